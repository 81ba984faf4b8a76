import { runStandalone } from '../app/standalone.js';
import type { ProcessIo } from '../app/io.js';
import type { ConfigOf } from '../config/flag-table.js';

/** `messenger-operator standalone`: runs until the process is asked to stop. */
export function standalone(config: ConfigOf<'standalone'>, io: ProcessIo): Promise<void> {
  return runStandalone(config, io);
}
