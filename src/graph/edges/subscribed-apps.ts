import type { GraphCallOptions, ObservedSubscription, PageCredentials } from '../../core/ports/graph.js';
import { optional, requireSuccess, rowsOf, textAt, textsAt } from '../answers.js';
import { pageCall } from '../call.js';
import type { GraphCaller } from '../caller.js';
import { collectPages } from '../paging.js';

/**
 * `GET /{page-id}/subscribed_apps`. Graph lists a row for each app on the Page; only our app's
 * counts. Source: https://developers.facebook.com/docs/graph-api/reference/page/subscribed_apps
 */
export async function readSubscription(
  caller: GraphCaller,
  page: PageCredentials,
  options: GraphCallOptions,
): Promise<ObservedSubscription> {
  let fields: readonly string[] | undefined;
  await collectPages(async (after) => {
    return caller.call(pageCall('observe', page, { fields: 'id,subscribed_fields', ...after }, options), (body) => {
      fields ??= ownFields(body, page.app.appId);
      return fields === undefined ? body : undefined;
    });
  });
  return { subscribed: fields !== undefined, fields: new Set(fields) };
}

function ownFields(body: unknown, appId: string): readonly string[] | undefined {
  const own = rowsOf(body, 'subscribed_apps').filter((row) => textAt(row['id'], 'subscribed_apps.data[].id') === appId)[0];
  // Graph leaves out lists that are empty: the app is on the Page, without any field.
  return own && (optional(own['subscribed_fields'], 'subscribed_apps.data[].subscribed_fields', textsAt) ?? []);
}

/**
 * `POST /{page-id}/subscribed_apps`: replaces our app's whole list. One bad field, and Graph
 * changes nothing at all.
 */
export async function replaceSubscription(
  caller: GraphCaller,
  page: PageCredentials,
  fields: readonly string[],
  options: GraphCallOptions,
): Promise<void> {
  const params = { subscribed_fields: fields.join(',') };
  await caller.call(pageCall('subscribe', page, params, options), requireSuccess);
}

/** `DELETE /{page-id}/subscribed_apps` with the Page's token. Removes our app's whole row. */
export async function deleteSubscription(caller: GraphCaller, page: PageCredentials, options: GraphCallOptions): Promise<void> {
  await caller.call(pageCall('unsubscribe', page, {}, options), requireSuccess);
}

/**
 * The same with the app token, for a Graph that answers `(#15) This method must be called with an
 * app access_token`.
 */
export async function deleteSubscriptionAsApp(caller: GraphCaller, page: PageCredentials, options: GraphCallOptions): Promise<void> {
  await caller.call(pageCall('unsubscribe_as_app', page, {}, options), requireSuccess);
}
