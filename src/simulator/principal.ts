import { createHmac, timingSafeEqual } from 'node:crypto';
import { deadToken, SimGraphError, oauth } from './graph-errors.js';
import type { SimApp, SimToken, TokenState } from './model.js';
import type { World } from './world.js';

/** Who a call is made as. */
export type Principal =
  { readonly kind: 'token'; readonly app: SimApp; readonly token: SimToken } | { readonly kind: 'app'; readonly app: SimApp };

/** A token's state now: an expiry that has passed counts, whatever state it was given. */
export function stateOf(token: SimToken, world: World): TokenState {
  if (token.state !== 'valid') return token.state;
  return token.expiresAt !== 0 && token.expiresAt <= world.nowSeconds() ? 'expired' : 'valid';
}

/**
 * Finds out who the value speaks for.
 * @throws SimGraphError 190 for a value that is unknown or dead.
 */
export function principalOf(value: string, world: World): Principal {
  const asApp = appTokenOf(value, world);
  if (asApp !== undefined) return asApp;
  const token = world.tokenByValue(value);
  if (token === undefined) throw deadToken('garbage');
  const state = stateOf(token, world);
  if (state !== 'valid') throw deadToken(state);
  const app = world.apps.get(token.appId);
  if (app === undefined) throw deadToken('uninstalled');
  return token.type === 'APP' ? { kind: 'app', app } : { kind: 'token', app, token };
}

/**
 * `APPID|SECRET`; undefined for a value of another form. @throws SimGraphError for a wrong id or
 * secret.
 */
function appTokenOf(value: string, world: World): Principal | undefined {
  const [, id, secret] = /^(\d{1,20})\|(.+)$/.exec(value) ?? [];
  if (id === undefined) return undefined;
  const app = world.apps.get(id);
  if (app === undefined) throw oauth(400, 101, 'Error validating application. Cannot get application info due to a system error.');
  if (app.secret !== secret) throw oauth(400, 190, 'Invalid OAuth access token signature.');
  return { kind: 'app', app };
}

export function proof(secret: string, token: string): string {
  return createHmac('sha256', secret).update(token).digest('hex');
}

/** How a request's proof relates to its token. */
export function judgeProof(given: string | undefined, value: string, { app, world }: { readonly app: SimApp; readonly world: World }) {
  if (given === undefined || given === '') return 'none' as const;
  const right = [value, ...(world.config.proof === 'lax' ? [...world.tokens.values()].map((token) => token.value) : [])];
  return right.some((token) => same(given, proof(app.secret, token))) ? ('right' as const) : ('wrong' as const);
}

/** @throws SimGraphError where the app wants a proof and none came, or a wrong one came. */
export function checkProof(judged: 'right' | 'wrong' | 'none', app: SimApp, world: World): void {
  if (world.config.proof === 'off') return;
  if (judged === 'none' && app.requireProof) throw proofError('API calls from the server require an appsecret_proof argument');
  if (judged === 'wrong') throw proofError('Invalid appsecret_proof provided in the API argument');
}

function proofError(message: string): SimGraphError {
  return new SimGraphError({ status: 400, type: 'GraphMethodException', code: 100, message });
}

function same(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
}
