import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { WebhookApp } from '../core/ports/page-lookup.js';
import { MAX_CHALLENGE_BYTES } from './limits.js';

export type HandshakeAnswer =
  { readonly kind: 'verified'; readonly challenge: string } | { readonly kind: 'refused' } | { readonly kind: 'malformed' };

/**
 * A random key of this process: digests have equal lengths, and cannot be computed in advance.
 */
const COMPARE_KEY = randomBytes(32);

/**
 * Meta's verification GET: the challenge is echoed if the verify token is that of an app on this
 * path. The tokens of all apps are compared, in constant time. Of a repeated parameter the first
 * value counts.
 * @param query what follows the question mark
 */
export function answerHandshake(query: string, apps: readonly WebhookApp[]): HandshakeAnswer {
  const parameters = new URLSearchParams(query);
  const mode = parameters.get('hub.mode');
  const token = parameters.get('hub.verify_token');
  const challenge = parameters.get('hub.challenge');
  if (mode === null || token === null || challenge === null) return { kind: 'malformed' };
  if (Buffer.byteLength(challenge) > MAX_CHALLENGE_BYTES) return { kind: 'malformed' };
  if (mode !== 'subscribe') return { kind: 'refused' };
  const given = digest(token);
  let known = false;
  for (const { verifyToken } of apps) {
    if (verifyToken !== undefined && timingSafeEqual(digest(verifyToken.reveal()), given)) known = true;
  }
  return known ? { kind: 'verified', challenge } : { kind: 'refused' };
}

function digest(text: string): Buffer {
  return createHmac('sha256', COMPARE_KEY).update(text).digest();
}
