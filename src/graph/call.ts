import type { GraphCallOptions } from '../core/ports/graph.js';
import type { GraphOperation } from '../core/ports/metric-labels.js';
import type { GraphAuth } from './credentials.js';
import type { GraphMethod, GraphParams, WireRequest } from './transport.js';

export type { GraphOperation };

/** One call of one edge, before it is known whether it travels alone or in a batch. */
export interface GraphCall {
  readonly operation: GraphOperation;
  readonly method: GraphMethod;
  /** Path segments after the version. */
  readonly path: readonly string[];
  readonly params: GraphParams;
  readonly auth: GraphAuth;
  /** Whose budget it uses besides the app's; undefined for the app's own edges. */
  readonly pageId?: string;
  readonly options: GraphCallOptions;
}

const SHAPES: Readonly<Record<GraphOperation, string>> = {
  inspect_token: 'GET /debug_token',
  page_info: 'GET /{page-id}',
  observe: 'GET /{page-id}/subscribed_apps',
  subscribe: 'POST /{page-id}/subscribed_apps',
  unsubscribe: 'DELETE /{page-id}/subscribed_apps',
  unsubscribe_as_app: 'DELETE /{page-id}/subscribed_apps as the app',
  app_subscriptions: 'GET /{app-id}/subscriptions',
  subscribe_app: 'POST /{app-id}/subscriptions',
  batch: 'POST / (batch)',
};

/** The call as it may stand in a message: method and shape of the path, no id, no parameter. */
export function shapeOf(operation: GraphOperation): string {
  return SHAPES[operation];
}

/** Path without the version, each segment escaped: `123/subscribed_apps`. */
export function relativePath(call: Pick<GraphCall, 'path'>): string {
  return call.path.map(encodeURIComponent).join('/');
}

export function wireRequest(call: GraphCall): WireRequest {
  const { method, params, auth, options } = call;
  const path = `/${encodeURIComponent(auth.app.graphVersion)}/${relativePath(call)}`;
  return { method, path, params, auth, signal: options.signal, shape: shapeOf(call.operation) };
}
