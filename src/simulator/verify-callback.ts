import { randomInt } from 'node:crypto';
import type { Clock } from '../kit/clock.js';
import { requestCallback } from './callback-request.js';

export interface VerifyLimits {
  readonly timeoutMs: number;
  readonly clock: Clock;
}

/**
 * Meta's verification GET. Good only with 200 and the bare challenge as the whole body; otherwise
 * what Graph would say is given back as text.
 */
export async function verifyCallback(callbackUrl: string, verifyToken: string, limits: VerifyLimits): Promise<string | undefined> {
  const challenge = String(randomInt(100_000_000, 2_000_000_000));
  const url = new URL(callbackUrl);
  url.searchParams.set('hub.mode', 'subscribe');
  url.searchParams.set('hub.challenge', challenge);
  url.searchParams.set('hub.verify_token', verifyToken);
  const headers = { 'user-agent': 'facebookplatform/1.0 (+http://developers.facebook.com)', accept: '*/*' };
  const answer = await requestCallback({ url, method: 'GET', headers, ...limits });
  if (answer.kind === 'timeout') return 'curl_errno = 28; curl_error = Operation timed out; HTTP Status Code = 0; HTTP Message = Unknown';
  if (answer.kind === 'failed') return `curl_errno = 7; curl_error = ${answer.error}; HTTP Status Code = 0; HTTP Message = Unknown`;
  if (answer.status !== 200) return `HTTP Status Code = ${answer.status}; HTTP Message = ${answer.statusMessage}`;
  return answer.body === challenge ? undefined : `Response does not match challenge, expected value="${challenge}"`;
}
