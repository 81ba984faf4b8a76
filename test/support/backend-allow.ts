import type { BackendAllow } from '../../src/net/dial/address-guard.js';

export const ALLOW_NOTHING: BackendAllow = { allows: () => false };
