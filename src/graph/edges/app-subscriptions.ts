import type { AppCredentials, AppGraph, AppSubscription, GraphCallOptions } from '../../core/ports/graph.js';
import { asRecord, type JsonRecord } from '../../kit/narrow.js';
import { booleanAt, listAt, requireSuccess, rowsOf, textAt } from '../answers.js';
import { appCall } from '../call.js';
import type { GraphCaller } from '../caller.js';
import { collectPages } from '../paging.js';

/** `GET /{app-id}/subscriptions`, as the app: one row an object (`page`, `instagram`, …). */
export async function readAppSubscriptions(
  caller: GraphCaller,
  app: AppCredentials,
  options: GraphCallOptions,
): Promise<readonly AppSubscription[]> {
  const found: AppSubscription[] = [];
  await collectPages((after) =>
    caller.call(appCall('app_subscriptions', app, after, options), (body) => {
      found.push(...rowsOf(body, 'subscriptions').map(readRow));
      return body;
    }),
  );
  return found;
}

/**
 * A row that is not as documented must not be left out: the next write would replace what it stands
 * for.
 */
function readRow(row: JsonRecord): AppSubscription {
  return {
    object: textAt(row['object'], 'subscriptions.data[].object'),
    callbackUrl: textAt(row['callback_url'], 'subscriptions.data[].callback_url'),
    active: booleanAt(row['active'], 'subscriptions.data[].active'),
    // Objects with a version since v2.9, bare names before.
    fields: listAt(row['fields'], 'subscriptions.data[].fields').map((field) =>
      textAt(asRecord(field)?.['name'] ?? field, 'subscriptions.data[].fields[].name'),
    ),
  };
}

/**
 * `POST /{app-id}/subscriptions` for the object `page`. Graph calls the callback URL before it
 * answers.
 */
export async function writeAppSubscription(
  caller: GraphCaller,
  app: AppCredentials,
  wanted: Parameters<AppGraph['subscribeApp']>[1],
  options: GraphCallOptions,
): Promise<void> {
  const params = {
    object: 'page',
    callback_url: wanted.callbackUrl,
    verify_token: wanted.verifyToken,
    fields: wanted.fields.join(','),
    include_values: 'true',
  };
  await caller.call(appCall('subscribe_app', app, params, options), requireSuccess);
}
