import type { ConfigOf } from '../config/flag-table.js';
import type { ProcessIo } from './io.js';

/** Placeholder until the cluster side is there. */
export function runController(config: ConfigOf<'controller'>, io: ProcessIo): Promise<void> {
  io.stderr.write(`${config.logLevel}\n`);
  return Promise.reject(new Error('this command is not there yet'));
}
