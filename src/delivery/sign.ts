import type { RoutedPost } from '../core/delivery.js';
import { hmacOf } from '../core/hmac.js';
import type { PageRoute } from '../core/page-route.js';
import type { Secret } from '../core/secret.js';

const USER_AGENT = 'messenger-operator';

/**
 * All headers of a request to a bot, name and value by turns. Both signatures are over exactly these bytes: bots check
 * either. Nothing of what came in is copied. (Host and Content-Length are added when it is sent.)
 */
export function requestHeaders(
  post: Pick<RoutedPost, 'traceparent' | 'verified' | 'verifiedBy'>,
  route: PageRoute,
  body: Buffer,
  secret: Secret,
): string[] {
  const { traceparent, verified, verifiedBy } = post;
  const isAsMetaSigned = verified?.bytes === body && secret.equals(verifiedBy);
  return [
    'content-type',
    'application/json',
    'x-hub-signature-256',
    isAsMetaSigned ? verified.signature : `sha256=${hmacOf('sha256', secret).hex(body)}`,
    'x-hub-signature',
    `sha1=${hmacOf('sha1', secret).hex(body)}`,
    'x-messenger-page-id',
    route.pageId,
    'x-messenger-app-id',
    route.appId,
    'traceparent',
    traceparent,
    'user-agent',
    USER_AGENT,
  ];
}
