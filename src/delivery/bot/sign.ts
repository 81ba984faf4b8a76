import { hmacOf } from '../../core/secrets/hmac.js';
import { headerLine } from '../../net/http1/bot-client.js';
import { signingSecretOf, type Attempt } from './attempt.js';

const SAME_FOR_ALL = headerLine('content-type', 'application/json') + headerLine('user-agent', 'messenger-operator');

/**
 * All headers of a request to a bot but Host and Content-Length. Both signatures are over exactly
 * these bytes: a bot may check either. No header of Meta's request is copied.
 */
export function requestHeaders(attempt: Attempt, body: Buffer, traceparent: string): string {
  const { route, verified, appSecret } = attempt;
  const secret = signingSecretOf(attempt);
  const isAsMetaSigned = verified?.bytes === body && secret.equals(appSecret);
  const sha256 = isAsMetaSigned ? verified.signature : `sha256=${hmacOf('sha256', secret).hex(body)}`;
  return (
    SAME_FOR_ALL +
    headerLine('x-messenger-page-id', route.pageId) +
    headerLine('x-messenger-app-id', route.appId) +
    headerLine('x-hub-signature-256', sha256) +
    headerLine('x-hub-signature', `sha1=${hmacOf('sha1', secret).hex(body)}`) +
    headerLine('traceparent', traceparent)
  );
}
