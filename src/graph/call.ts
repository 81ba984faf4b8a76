import type { AppCredentials, GraphCallOptions, PageCredentials } from '../core/ports/graph.js';
import type { GraphAuth } from './credentials.js';
import { OPERATIONS, shapeOf, type AppOperation, type GraphOperation, type PageOperation } from './operations.js';
import type { GraphParams, WireRequest } from './transport.js';

/** One call of one edge, before it is known whether it travels alone or in a batch. */
export interface GraphCall {
  readonly operation: GraphOperation;
  readonly params: GraphParams;
  readonly auth: GraphAuth;
  /**
   * The Page that it is on, and whose budget it uses besides the app's; undefined for the app's own
   * edges.
   */
  readonly pageId?: string;
  readonly options: GraphCallOptions;
  /**
   * It finds out whether Graph accepts the app's credentials, and goes out even while calls wait
   * because Graph refused them.
   */
  readonly checksCredentials?: true;
}

/** A call of an edge of a Page. */
export function pageCall(operation: PageOperation, page: PageCredentials, params: GraphParams, options: GraphCallOptions): GraphCall {
  const { app, pageId, token } = page;
  return { operation, params, auth: OPERATIONS[operation].token === 'page' ? { app, token } : { app }, pageId, options };
}

/** A call of an edge of the app, made as the app. */
export function appCall(operation: AppOperation, app: AppCredentials, params: GraphParams, options: GraphCallOptions): GraphCall {
  return { operation, params, auth: { app }, options };
}

/**
 * Path without the version, each segment escaped: `123/subscribed_apps`. Always the explicit id:
 * `/me` would act on whatever Page the token happens to belong to.
 */
export function relativePath({ operation, auth, pageId = '' }: GraphCall): string {
  const ids: Readonly<Record<string, string>> = { '{page-id}': pageId, '{app-id}': auth.app.appId };
  return OPERATIONS[operation].path
    .split('/')
    .map((segment) => encodeURIComponent(ids[segment] ?? segment))
    .join('/');
}

export function wireRequest(call: GraphCall): WireRequest {
  const { operation, params, auth, options } = call;
  const { method, write } = OPERATIONS[operation];
  const path = `/${encodeURIComponent(auth.app.graphVersion)}/${relativePath(call)}`;
  return { method, path, params, auth, signal: options.signal, shape: shapeOf(operation), writes: write };
}
