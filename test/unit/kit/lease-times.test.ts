import { expect, it } from '@jest/globals';
import { LEASE_MS, RENEW_DEADLINE_MS, WRITE_TIMEOUT_MS } from '../../../src/kit/lease-times.js';

it('lets the last write that may begin end before another process can hold the lease', () => {
  expect(RENEW_DEADLINE_MS + WRITE_TIMEOUT_MS).toBeLessThan(LEASE_MS);
});
