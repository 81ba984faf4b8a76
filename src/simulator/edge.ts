import { oauth, noSuchObject, pageTokenNeeded, appTokenNeeded } from './graph-errors.js';
import type { SimApp, SimPage, SimToken } from './model.js';
import type { Params } from './params.js';
import type { Principal } from './principal.js';
import type { World } from './world.js';

/** One Graph call on its way to a handler: who, what, on which object. */
export interface EdgeCall {
  readonly world: World;
  readonly method: string;
  readonly version: string;
  readonly params: Params;
  readonly principal: Principal | undefined;
  /** The access token as it came. */
  readonly tokenValue: string | undefined;
  /** The object's id as in the path: may be `me`. */
  readonly target: string;
  /** This edge's URL without a query, for paging links. */
  readonly selfUrl: string;
}

export type EdgeHandler = (call: EdgeCall) => unknown;

/** A call made with a PAGE token on that page itself, by id or as `me`. */
export interface PageCall {
  readonly app: SimApp;
  readonly token: SimToken;
  readonly page: SimPage;
}

/**
 * @throws SimGraphError where the token is none of a Page, or of another Page than the path names.
 */
export function onOwnPage(call: EdgeCall): PageCall {
  const { principal, world, target, method } = call;
  if (principal === undefined) throw noToken();
  if (principal.kind === 'app') throw oauth(400, 190, '(#190) This method must be called with a Page Access Token');
  const { token, app } = principal;
  if (token.type !== 'PAGE' || token.pageId === undefined) throw pageTokenNeeded();
  if (target !== 'me' && target !== token.pageId) throw noSuchObject(method, target);
  const page = world.pages.get(token.pageId);
  if (page === undefined) throw noSuchObject(method, token.pageId);
  return { app, token, page };
}

/**
 * @throws SimGraphError unless the call was made with the app token of the app that the path names.
 */
export function asOwnApp(call: EdgeCall): SimApp {
  const { principal, target, method } = call;
  if (principal === undefined) throw noToken();
  if (principal.kind !== 'app') throw appTokenNeeded();
  if (target !== 'me' && target !== principal.app.id) throw noSuchObject(method, target);
  return principal.app;
}

export function noToken(): Error {
  return oauth(400, 2500, 'An active access token must be used to query information about the current user.');
}

/** @throws SimGraphError (#200) where the token lacks the scope. */
export function needScope(token: SimToken, scope: string): void {
  if (!token.scopes.includes(scope)) throw oauth(403, 200, `(#200) Requires ${scope} permission to manage the object`);
}

/**
 * One page of rows with cursors. As at Graph, `next` is a whole URL with the token in it, and the
 * last page has none.
 */
export function paged(rows: readonly unknown[], call: EdgeCall): unknown {
  const limit = Math.max(1, Number(call.params.text('limit') ?? call.world.config.pageSize));
  const after = call.params.text('after');
  const from = after === undefined ? 0 : decodeCursor(after);
  const data = rows.slice(from, from + limit);
  if (data.length === 0) return { data };
  const cursors = { before: encodeCursor(from), after: encodeCursor(from + data.length) };
  if (from + data.length >= rows.length) return { data, paging: { cursors } };
  const query = new URLSearchParams({ access_token: call.tokenValue ?? '', limit: String(limit), after: cursors.after });
  return { data, paging: { cursors, next: `${call.selfUrl}?${query.toString()}` } };
}

function encodeCursor(index: number): string {
  return Buffer.from(`sim:${index}`).toString('base64url');
}

function decodeCursor(cursor: string): number {
  const index = Number(Buffer.from(cursor, 'base64url').toString().replace('sim:', ''));
  if (!Number.isInteger(index)) throw oauth(400, 100, '(#100) Invalid cursors values');
  return index;
}

/** Only the wanted fields and the id, as `?fields=` does. */
export function pick(row: Readonly<Record<string, unknown>>, fields: string | undefined): Readonly<Record<string, unknown>> {
  if (fields === undefined) return row;
  const wanted = fields.split(',').map((field) => field.trim());
  return Object.fromEntries(Object.entries(row).filter(([name]) => name === 'id' || wanted.includes(name)));
}
