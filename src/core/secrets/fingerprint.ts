import { createHmac } from 'node:crypto';
import type { Secret } from './secret.js';

/**
 * Tells one token value from another without giving it away: HMAC-SHA-256 keyed by the page's uid,
 * the first 16 hexadecimal digits. Two pages with the same token have different fingerprints. What
 * `status.token.fingerprint` holds.
 */
export function tokenFingerprint(pageUid: string, token: Secret): string {
  return createHmac('sha256', pageUid).update(token.reveal()).digest('hex').slice(0, 16);
}
