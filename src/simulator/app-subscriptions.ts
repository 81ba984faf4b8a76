import { isKnownPageField, PAGE_FIELDS } from '../core/domain/fields.js';
import { asOwnApp, type EdgeCall } from './edge.js';
import { invalidParameter, noSuchObject, notOneOf, oauth } from './graph-errors.js';
import type { SimAppSubscription } from './model.js';
import { verifyCallback } from './verify-callback.js';

const OBJECTS = ['page', 'user', 'permissions', 'application', 'whatsapp_business_account'];

/**
 * `/{app-id}/subscriptions`: only with the app's own token, and a POST calls the callback before it
 * answers.
 */
export async function appSubscriptions(call: EdgeCall): Promise<unknown> {
  const app = asOwnApp(call);
  const own = call.world.appSubscriptions.get(app.id) ?? new Map<string, SimAppSubscription>();
  if (call.method === 'GET') {
    return {
      data: [...own.values()].map(({ object, callbackUrl, active, fields }) => ({ object, callback_url: callbackUrl, active, fields })),
    };
  }
  if (call.method === 'POST') return subscribe(call, app.id);
  if (call.method !== 'DELETE') throw noSuchObject(call.method, call.target);
  return unsubscribe(call, app.id);
}

async function subscribe(call: EdgeCall, appId: string): Promise<unknown> {
  const { world, params, version } = call;
  const object = params.text('object') ?? '';
  if (!OBJECTS.includes(object)) throw invalidParameter('Invalid parameter');
  const callbackUrl = params.text('callback_url') ?? '';
  if (!/^https?:\/\//.test(callbackUrl) || !URL.canParse(callbackUrl)) throw invalidParameter('callback_url URL is not properly formatted');
  const fields = params.list('fields') ?? [];
  checkFields(object, fields, world.config.refusedAppFields);
  const verifyToken = params.text('verify_token') ?? '';
  const problem = await verifyCallback(callbackUrl, verifyToken, { timeoutMs: world.config.verifyTimeoutMs, clock: world.clock });
  if (problem !== undefined) throw oauth(400, 2200, `(#2200) Callback verification failed with the following errors: ${problem}`);
  const own = world.appSubscriptions.get(appId) ?? new Map<string, SimAppSubscription>();
  own.set(object, { object, callbackUrl, verifyToken, active: true, fields: fields.map((name) => ({ name, version })) });
  world.appSubscriptions.set(appId, own);
  return { success: true };
}

function checkFields(object: string, fields: readonly string[], refused: readonly string[]): void {
  if (object !== 'page') return;
  const bad = fields.findIndex((field) => !isKnownPageField(field) || refused.includes(field));
  if (bad >= 0) throw notOneOf('fields', bad, PAGE_FIELDS, fields[bad] ?? '');
}

/** Without `object` all go; with `fields` only those. */
function unsubscribe({ world, params }: EdgeCall, appId: string): unknown {
  const own = world.appSubscriptions.get(appId);
  const object = params.text('object');
  const fields = params.list('fields');
  if (object === undefined) own?.clear();
  else if (fields === undefined) own?.delete(object);
  else {
    const row = own?.get(object);
    if (row !== undefined) own?.set(object, { ...row, fields: row.fields.filter(({ name }) => !fields.includes(name)) });
  }
  return { success: true };
}
