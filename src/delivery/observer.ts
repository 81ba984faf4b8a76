import type { UnavailableWhy } from '../core/ports/delivery.js';
import type { Channel } from '../core/domain/event.js';

/** What finally became of an item; `unavailable` is not final: Meta sends it again. */
export const ITEM_RESULTS = ['accepted', 'refused', 'dropped', 'not_accepted_by_spec', 'duplicate', 'unavailable'] as const;
export type ItemResult = (typeof ITEM_RESULTS)[number];

export const ALERTS = ['dropped', 'refuses_everything', 'address_refused'] as const;
export type Alert = (typeof ALERTS)[number];

/** Counts what delivery does. Label values are closed unions and app ids, never page ids. */
export interface DeliveryObserver {
  /** `channel`: `none` for an entry without a list. */
  item(appId: string, channel: Channel, result: ItemResult): void;
  unavailable(appId: string, why: UnavailableWhy): void;
  /** An item was attempted that had been attempted in an earlier POST. */
  retried(appId: string): void;
  /**
   * An item was accepted: since the POST's last byte, and since `entry.time` where there is one.
   */
  latency(appId: string, sinceReceivedMs: number, sinceEventMs: number | undefined): void;
  openCircuits(count: number): void;
  inFlight(items: number, bytes: number): void;
  alert(kind: Alert): void;
}
