import type { Graph } from '../core/ports/graph.js';

export type GraphMethod = 'GET' | 'POST' | 'DELETE';

/** One way in which the operator calls Graph. */
interface Operation {
  readonly method: GraphMethod;
  /** Below the API version. `{page-id}` and `{app-id}` stand for the ids of the call. */
  readonly path: string;
  /** Tells calls of the same method and path apart in a message. */
  readonly note?: string;
  /**
   * `page`: made for each Page, so there are thousands, and they share batches. `app`: made once
   * for an app.
   */
  readonly of: 'page' | 'app';
  /** Whose access token the call is made with. An error about a token is about this one. */
  readonly token: 'page' | 'app';
  /** Whether the call changes anything at Graph. A batch changes what its calls change. */
  readonly write: boolean;
  /** The method of the port that makes this call; undefined: none of them by itself. */
  readonly port: keyof Graph | undefined;
}

/** Every operation, each under its name in the metrics and in the error catalogue. */
export const OPERATIONS = {
  inspect_token: { method: 'GET', path: 'debug_token', of: 'page', token: 'app', write: false, port: 'inspectToken' },
  page_info: { method: 'GET', path: '{page-id}', of: 'page', token: 'page', write: false, port: 'pageInfo' },
  observe: { method: 'GET', path: '{page-id}/subscribed_apps', of: 'page', token: 'page', write: false, port: 'observe' },
  subscribe: { method: 'POST', path: '{page-id}/subscribed_apps', of: 'page', token: 'page', write: true, port: 'subscribe' },
  unsubscribe: { method: 'DELETE', path: '{page-id}/subscribed_apps', of: 'page', token: 'page', write: true, port: 'unsubscribe' },
  unsubscribe_as_app: {
    method: 'DELETE',
    path: '{page-id}/subscribed_apps',
    note: 'as the app',
    of: 'page',
    token: 'app',
    write: true,
    port: 'unsubscribe',
  },
  app_subscriptions: { method: 'GET', path: '{app-id}/subscriptions', of: 'app', token: 'app', write: false, port: 'subscriptions' },
  subscribe_app: { method: 'POST', path: '{app-id}/subscriptions', of: 'app', token: 'app', write: true, port: 'subscribeApp' },
  batch: { method: 'POST', path: '', note: '(batch)', of: 'app', token: 'app', write: false, port: undefined },
} as const satisfies Readonly<Record<string, Operation>>;

export type GraphOperation = keyof typeof OPERATIONS;
/** Those on a node of a Page, which need its id. */
export type PageOperation = {
  [name in GraphOperation]: (typeof OPERATIONS)[name]['path'] extends `{page-id}${string}` ? name : never;
}[GraphOperation];
export type AppOperation = Exclude<GraphOperation, PageOperation | 'batch'>;

export const GRAPH_OPERATIONS = Object.keys(OPERATIONS) as readonly GraphOperation[];

/** The operations that are made with a token of this kind. */
export function operationsWith(token: 'page' | 'app'): readonly GraphOperation[] {
  return GRAPH_OPERATIONS.filter((name) => OPERATIONS[name].token === token);
}

/** The call as it may stand in a message: method and shape of the path, no id, no parameter. */
export function shapeOf(name: GraphOperation): string {
  const { method, path, note }: Operation = OPERATIONS[name];
  return `${method} /${path}${note === undefined ? '' : ` ${note}`}`;
}

type PortMethod = NonNullable<(typeof OPERATIONS)[GraphOperation]['port']>;
const PORT_METHODS: ReadonlySet<PortMethod> = new Set(Object.values(OPERATIONS).flatMap(({ port }) => port ?? []));

/**
 * The same Graph, with every call made inside `around`. A method of the port that no row names does
 * not compile.
 */
export function callingThrough(graph: Graph, around: <T>(call: () => Promise<T>) => Promise<T>): Graph {
  const methods = [...PORT_METHODS].map((name) => {
    const method = graph[name].bind(graph) as (...args: readonly unknown[]) => Promise<unknown>;
    return [name, (...args: readonly unknown[]) => around(() => method(...args))] as const;
  });
  return Object.fromEntries(methods) as unknown as Pick<Graph, PortMethod>;
}
