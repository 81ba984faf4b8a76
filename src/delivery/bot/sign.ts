import type { RoutedPost } from '../../core/ports/delivery.js';
import { hmacOf } from '../../core/secrets/hmac.js';
import type { PageRoute } from '../../core/ports/page-lookup.js';
import type { Secret } from '../../core/secrets/secret.js';
import { headerLine } from '../../net/http1/header-line.js';

const SAME_FOR_ALL = headerLine('content-type', 'application/json') + headerLine('user-agent', 'messenger-operator');

/**
 * All headers of a request to a bot. Both signatures are over exactly these bytes: bots check either. Nothing of what came in
 * is copied. (Host and Content-Length are added when it is sent.)
 */
export function requestHeaders(
  post: Pick<RoutedPost, 'traceparent' | 'verified' | 'verifiedBy'>,
  route: PageRoute,
  body: Buffer,
  secret: Secret,
): string {
  const { traceparent, verified, verifiedBy } = post;
  const isAsMetaSigned = verified?.bytes === body && secret.equals(verifiedBy);
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
