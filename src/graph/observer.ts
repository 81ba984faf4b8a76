import type { GraphOperation } from './operations.js';

export { GRAPH_OPERATIONS, type GraphOperation } from './operations.js';

/**
 * What a call came to. `blocked`: not sent, because Graph had asked the operator to wait or had
 * rejected the app's credential.
 */
export const GRAPH_RESULTS = ['success', 'transient', 'wait', 'terminal', 'app-credential', 'blocked', 'aborted'] as const;
export type GraphResult = (typeof GRAPH_RESULTS)[number];

/**
 * Port of the metrics. All label values are closed sets; there is no page id, no app id and no text
 * among them.
 */
export interface GraphObserver {
  /**
   * One call of an edge ended, alone or within a batch, after so many seconds (waiting for a place
   * included).
   */
  call(operation: GraphOperation, result: GraphResult, seconds: number): void;
  /** One HTTP request went out, with so many calls in it. */
  request(calls: number): void;
  /**
   * Graph answered with another API version than the one asked for (once per app and pair of
   * versions).
   */
  otherVersion(appId: string, asked: string, answered: string): void;
}

export const silentObserver: GraphObserver = {
  call: () => undefined,
  request: () => undefined,
  otherVersion: () => undefined,
};
