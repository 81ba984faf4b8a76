import { runController } from '../app/controller.js';
import type { ProcessIo } from '../app/io.js';
import type { ConfigOf } from '../config/flag-table.js';

/** `messenger-operator controller`: runs until the process is asked to stop. */
export function controller(config: ConfigOf<'controller'>, io: ProcessIo): Promise<void> {
  return runController(config, io);
}
