import type { ProcessIo } from '../app/io.js';
import { runPagesApi } from '../app/pages-api.js';
import type { ConfigOf } from '../config/flag-table.js';

/** `messenger-operator pages-api`: runs until the process is asked to stop. */
export function pagesApi(config: ConfigOf<'pages-api'>, io: ProcessIo): Promise<void> {
  return runPagesApi(config, io);
}
