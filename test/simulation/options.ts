import type { PageOptions } from '../../src/controller/messengerpage/ports.js';

/** The operator's defaults, but for a grace time that a history can outlast. */
export const OPTIONS: PageOptions = {
  graphVersion: 'v25.0',
  intervalMs: 1_800_000,
  minIntervalMs: 300_000,
  tokenCheckIntervalMs: 43_200_000,
  deletionTimeoutMs: 600_000,
  secretGraceMs: 120_000,
  readOnly: false,
  className: '',
};
