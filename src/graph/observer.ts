import type { GraphResult } from '../core/ports/metric-labels.js';
import type { GraphOperation } from './operations.js';

export type { GraphResult };

/** Port of the metrics. All label values are closed sets; there is no page id, no app id and no text among them. */
export interface GraphObserver {
  /** One call of an edge ended, alone or within a batch, after so many seconds (waiting for a place included). */
  call(operation: GraphOperation, result: GraphResult, seconds: number): void;
  /** One HTTP request went out, with so many calls in it. */
  request(calls: number): void;
  /** Graph answered with another API version than the one asked for (once per app and pair of versions). */
  otherVersion(appId: string, asked: string, answered: string): void;
}

export const silentObserver: GraphObserver = {
  call: () => undefined,
  request: () => undefined,
  otherVersion: () => undefined,
};
