import type { Alert, ItemResult, UnavailableWhy } from '../core/ports/metric-labels.js';
import type { Channel } from '../core/domain/event.js';

export type { Alert, ItemResult, UnavailableWhy };

/** Counts what delivery does. Label values are closed unions and app ids, never page ids. */
export interface DeliveryObserver {
  item(appId: string, channel: Channel | 'none', result: ItemResult): void;
  unavailable(appId: string, why: UnavailableWhy): void;
  /** An item was tried that had been tried in an earlier POST. */
  retried(appId: string): void;
  /** An item was accepted: since the POST's last byte, and since `entry.time` where there is one. */
  latency(appId: string, sinceReceivedMs: number, sinceEventMs: number | undefined): void;
  openCircuits(count: number): void;
  inFlight(items: number, bytes: number): void;
  alert(kind: Alert): void;
}
