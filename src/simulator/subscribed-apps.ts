import { isKnownPageField, PAGE_FIELDS } from '../core/domain/fields.js';
import { needScope, noToken, onOwnPage, paged, pick, type EdgeCall, type PageCall } from './edge.js';
import { appTokenNeeded, invalidParameter, noSuchObject, notOneOf, oauth, SimGraphError } from './graph-errors.js';

/** `/{page-id}/subscribed_apps` by the rules that are known of it. */
export function subscribedApps(call: EdgeCall): unknown {
  if (call.method === 'GET') return list(call);
  if (call.method === 'POST') return replace(call);
  if (call.method === 'DELETE') return remove(call);
  throw noSuchObject(call.method, call.target);
}

function list(call: EdgeCall): unknown {
  const { token, page } = onOwnPage(call);
  if (!token.scopes.includes('pages_manage_metadata')) throw oauth(403, 200, '(#200) Requires pages_manage_metadata');
  const rows = call.world.readRows(page.id).map(({ appId, fields }) => {
    const app = call.world.apps.get(appId);
    const row = {
      category: 'Business',
      link: `https://apps.example/${appId}`,
      name: app?.name ?? '',
      id: appId,
      subscribed_fields: fields,
    };
    return pick(row, call.params.text('fields'));
  });
  return paged(rows, call);
}

/** Replaces this app's whole list, or, if anything is wrong with it, nothing. */
function replace(call: EdgeCall): unknown {
  const { app, page, token } = onOwnPage(call);
  const fields = call.params.list('subscribed_fields');
  if (fields === undefined) throw invalidParameter('The parameter subscribed_fields is required.');
  if (fields.length === 0) {
    throw new SimGraphError({ status: 500, code: 1, message: 'An unknown error has occurred.', challenge: 'unknown_error' });
  }
  const bad = fields.findIndex((field) => !isKnownPageField(field));
  if (bad >= 0) throw notOneOf('subscribed_fields', bad, PAGE_FIELDS, fields[bad] ?? '');
  checkPermissions(fields, token);
  call.world.setFields(app.id, page.id, [...new Set(fields)], call.world.config.lagMs);
  return { success: true };
}

function checkPermissions(fields: readonly string[], token: PageCall['token']): void {
  const missing = fields.flatMap((field) => {
    const needed = permissionsOf(field).filter((scope) => !token.scopes.includes(scope));
    return needed.length === 0 ? [] : [`To subscribe to the ${field} field, one of these permissions is needed: ${needed.join(', ')}`];
  });
  if (missing.length > 0) throw oauth(403, 200, `(#200) ${missing.join('\n')}`);
  needScope(token, 'pages_manage_metadata');
}

function permissionsOf(field: string): readonly string[] {
  if (/^(messag|standby$|response_feedback$|send_cart$)/.test(field)) return ['pages_messaging'];
  if (field.startsWith('leadgen')) return ['leads_retrieval', 'pages_manage_metadata'];
  return ['pages_manage_metadata'];
}

/**
 * Sources contradict each other on the token: the app's is always taken, the Page's unless
 * `strictDelete`.
 */
function remove(call: EdgeCall): unknown {
  const { world, principal, target } = call;
  if (principal === undefined) throw noToken();
  if (principal.kind === 'app') {
    if (!world.pages.has(target)) throw noSuchObject(call.method, target);
    world.setFields(principal.app.id, target, undefined, world.config.lagMs);
    return { success: true };
  }
  if (world.config.strictDelete) throw appTokenNeeded();
  const { app, page } = onOwnPage(call);
  world.setFields(app.id, page.id, undefined, world.config.lagMs);
  return { success: true };
}
