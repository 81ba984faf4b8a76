import type { DeliveryObserver } from '../../src/delivery/observer.js';
import type { WebhookObserver } from '../../src/webhook/observer.js';

const nothing = (): void => undefined;

export const silentWebhookObserver: WebhookObserver = {
  handshake: nothing,
  received: nothing,
  refused: nothing,
  verified: nothing,
  ignored: nothing,
  entry: nothing,
  items: nothing,
  answered: nothing,
};

export const silentDeliveryObserver: DeliveryObserver = {
  item: nothing,
  unavailable: nothing,
  retried: nothing,
  latency: nothing,
  openCircuits: nothing,
  inFlight: nothing,
  alert: nothing,
};
