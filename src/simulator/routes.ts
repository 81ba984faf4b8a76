import { appSubscriptions } from './app-subscriptions.js';
import { debugToken } from './debug-token.js';
import type { EdgeHandler } from './edge.js';
import { messages, messengerProfile, personas } from './messaging.js';
import { accounts, node, oauthAccessToken } from './nodes.js';
import { subscribedApps } from './subscribed-apps.js';

export interface Route {
  /** The name that faults and records go by. */
  readonly operation: string;
  readonly handler: EdgeHandler;
  /** The object in the path: an id, or `me`. */
  readonly target: string;
  /** The edge behind the object, if any. */
  readonly edge: string | undefined;
  /** Whether a missing token is the handler's own matter. */
  readonly open?: boolean;
}

const EDGES: Readonly<Record<string, EdgeHandler>> = {
  subscribed_apps: subscribedApps,
  subscriptions: appSubscriptions,
  accounts,
  messages,
  messenger_profile: messengerProfile,
  personas,
};

const FIXED: Readonly<Record<string, Route>> = {
  debug_token: { operation: 'debug_token', handler: debugToken, target: 'debug_token', edge: undefined },
  'oauth/access_token': { operation: 'oauth', handler: oauthAccessToken, target: 'oauth', edge: 'access_token', open: true },
};

export const FAULT_OPERATIONS = ['node', ...Object.keys(EDGES), 'debug_token', 'oauth', 'batch'] as const;

/**
 * Which handler a path (without its version) belongs to; undefined for one that Graph does not
 * know.
 */
export function graphRouteOf(segments: readonly string[]): Route | undefined {
  const [first, second, ...rest] = segments;
  if (first === undefined || rest.length > 0) return undefined;
  const fixed = FIXED[segments.join('/')];
  if (fixed !== undefined) return fixed;
  if (first !== 'me' && !/^\d{1,20}$/.test(first)) return undefined;
  if (second === undefined) return { operation: 'node', handler: node, target: first, edge: undefined };
  const handler = EDGES[second];
  return handler === undefined ? undefined : { operation: second, handler, target: first, edge: second };
}
