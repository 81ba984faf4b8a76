import { runWebhook } from '../app/webhook.js';
import type { ProcessIo } from '../app/io.js';
import type { ConfigOf } from '../config/flag-table.js';

/** `messenger-operator webhook`: runs until the process is asked to stop. */
export function webhook(config: ConfigOf<'webhook'>, io: ProcessIo): Promise<void> {
  return runWebhook(config, io);
}
