import { randomFillSync } from 'node:crypto';

const ID_BYTES = 24;
const pool = Buffer.alloc(ID_BYTES * 64);
let at = pool.length;

/** A new W3C `traceparent`, not sampled: the receiver decides whether to record a trace. */
export function newTraceparent(): string {
  if (at >= pool.length) {
    randomFillSync(pool);
    at = 0;
  }
  const hex = pool.toString('hex', at, at + ID_BYTES);
  at += ID_BYTES;
  return `00-${hex.slice(0, 32)}-${hex.slice(32)}-00`;
}
