import type { Channel } from '../core/page-route.js';

/** What finally became of an item; `unavailable` is not final: Meta was asked to come again. */
export const ITEM_RESULTS = ['accepted', 'refused', 'given_up', 'not_accepted_by_spec', 'duplicate', 'unavailable'] as const;
export type ItemResult = (typeof ITEM_RESULTS)[number];

/** Why a part could not be delivered now. */
export const UNAVAILABLE_WHYS = [
  'timeout',
  'connect',
  'reset',
  'name',
  'address_refused',
  'bad_target',
  'status',
  'cannot_refuse',
  'circuit_open',
  'earlier_one_failed',
  'out_of_time',
  'lane_full',
  'over_limit',
  'draining',
] as const;
export type UnavailableWhy = (typeof UNAVAILABLE_WHYS)[number];

export const ALERTS = ['given_up', 'refuses_everything', 'address_refused'] as const;
export type Alert = (typeof ALERTS)[number];

/** Counts what delivery does. Label values are the closed unions above and app ids, never page ids. */
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

const nothing = (): void => undefined;
export const silentDeliveryObserver: DeliveryObserver = {
  item: nothing,
  unavailable: nothing,
  retried: nothing,
  latency: nothing,
  openCircuits: nothing,
  inFlight: nothing,
  alert: nothing,
};
