// The three times that keep two processes from writing at once: a write begins at most
// RENEW_DEADLINE_MS after the last renewal and takes at most WRITE_TIMEOUT_MS, so it has ended
// before the lease does.

/** How long a lease lasts after its last renewal: then another process may take it. */
export const LEASE_MS = 15_000;
/** How long after its last successful renewal a process may still begin a write. */
export const RENEW_DEADLINE_MS = 10_000;
/**
 * What a write may take, at Graph and at the API server. Whether one that was cut off has arrived
 * is not known.
 */
export const WRITE_TIMEOUT_MS = 4_500;
