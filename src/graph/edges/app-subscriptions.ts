import type { AppCredentials, AppGraph, AppSubscription, GraphCallOptions } from '../../core/ports/graph.js';
import { requireSuccess, rows } from '../answers.js';
import { appCall } from '../call.js';
import type { GraphCaller } from '../caller.js';
import { asArray, asRecord, asText } from '../json.js';
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
      found.push(...rows(body, 'subscriptions').flatMap(readRow));
      return body;
    }),
  );
  return found;
}

function readRow(row: unknown): readonly AppSubscription[] {
  const record = asRecord(row);
  const object = asText(record?.['object']);
  if (record === undefined || object === undefined) return [];
  return [
    {
      object,
      callbackUrl: asText(record['callback_url']) ?? '',
      active: record['active'] === true || record['active'] === 'true',
      // Objects with a version since v2.9, bare names before.
      fields: asArray(record['fields']).flatMap((field) => asText(asRecord(field)?.['name']) ?? asText(field) ?? []),
    },
  ];
}

/** `POST /{app-id}/subscriptions` for the object `page`. Graph calls the callback URL before it answers. */
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
