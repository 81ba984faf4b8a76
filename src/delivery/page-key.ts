import type { PageRoute } from '../core/page-route.js';

const keys = new WeakMap<PageRoute, string>();

/** `appId/pageId`. A route serves many events: its key is made, and hashed, once. */
export function pageKeyOf(route: PageRoute): string {
  let key = keys.get(route);
  if (key === undefined) {
    key = `${route.appId}/${route.pageId}`;
    keys.set(route, key);
  }
  return key;
}
