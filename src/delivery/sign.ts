import { createHmac } from 'node:crypto';

import type { RoutedPost } from '../core/delivery.js';
import type { PageRoute } from '../core/page-route.js';
import type { Secret } from '../core/secret.js';

const USER_AGENT = 'messenger-operator';

/**
 * All headers of a request to a bot, name and value by turns. Both signatures are over exactly these bytes: bots check
 * either. Nothing of what came in is copied. (Host and Content-Length are added when it is sent.)
 */
export function requestHeaders(post: RoutedPost, route: PageRoute, body: Buffer, secret: Secret): string[] {
  const { traceparent, verified, verifiedBy } = post;
  const key = secret.reveal();
  const isAsMetaSigned = verified?.bytes === body && secret.equals(verifiedBy);
  return [
    'content-type',
    'application/json',
    'x-hub-signature-256',
    isAsMetaSigned ? verified.signature : `sha256=${createHmac('sha256', key).update(body).digest('hex')}`,
    'x-hub-signature',
    `sha1=${createHmac('sha1', key).update(body).digest('hex')}`,
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
