import { noToken, type EdgeCall } from './edge.js';
import { deadToken, invalidParameter } from './graph-errors.js';
import { TOKEN_STATES, type SimApp, type SimToken } from './model.js';
import { stateOf } from './principal.js';
import type { World } from './world.js';

/**
 * `/debug_token`: a dead token of the caller's own app is a 200 with `data.error`, one of another
 * app a 400.
 */
export function debugToken({ world, principal, params }: EdgeCall): unknown {
  if (principal === undefined) throw noToken();
  if (principal.kind === 'token' && principal.token.type !== 'USER') {
    throw invalidParameter('You must provide an app access token, or a user access token that is an owner or developer of the app');
  }
  const input = params.text('input_token');
  if (input === undefined) throw invalidParameter('The parameter input_token is required');
  const token = world.tokenByValue(input);
  if (token === undefined) return inspectAppToken(input, principal.app) ?? unreadable();
  if (token.appId !== principal.app.id) throw invalidParameter('The App_id in the input_token did not match the Viewing App');
  return token.state === 'garbage' ? unreadable() : describe(token, principal.app, world);
}

function unreadable(): unknown {
  return { data: { error: { code: 190, message: deadToken('garbage').message }, is_valid: false, scopes: [] } };
}

function inspectAppToken(input: string, app: SimApp): unknown {
  if (input !== `${app.id}|${app.secret}`) return undefined;
  return { data: { app_id: app.id, type: 'APP', application: app.name, is_valid: true, scopes: [] } };
}

function describe(token: SimToken, app: SimApp, world: World): unknown {
  const state = stateOf(token, world);
  const subcode = TOKEN_STATES[state];
  return {
    data: {
      app_id: token.appId,
      type: token.type,
      application: app.name,
      data_access_expires_at: token.dataAccessExpiresAt,
      ...(state === 'valid'
        ? {}
        : { error: { code: 190, message: deadToken(state).message, ...(subcode === undefined ? {} : { subcode }) } }),
      expires_at: token.expiresAt,
      is_valid: state === 'valid',
      issued_at: token.issuedAt,
      ...(token.pageId === undefined ? {} : { profile_id: token.pageId }),
      ...(token.type === 'APP' ? {} : { user_id: token.userId }),
      scopes: token.scopes,
      granular_scopes: token.scopes.filter((scope) => scope !== 'public_profile').map((scope) => granular(scope, token)),
    },
  };
}

function granular(scope: string, token: SimToken): unknown {
  const named = token.granularTargets[scope];
  if (named === null) return { scope };
  const targets = named ?? (token.pageId === undefined ? undefined : [token.pageId]);
  return targets === undefined ? { scope } : { scope, target_ids: targets };
}
