import type { Delivery } from '../core/ports/delivery.js';
import { DirectDelivery, type DirectDeliveryDeps } from './direct/direct-delivery.js';

/** The values of `--delivery`. */
export type DeliveryMode = 'direct' | 'durable';

/**
 * The delivery that `--delivery` names. It owns `deps.client`: `close` closes it.
 * @throws Error with a message for the user for a mode that this version does not have
 */
export function createDelivery(mode: DeliveryMode, deps: DirectDeliveryDeps): Delivery {
  switch (mode) {
    case 'direct':
      return new DirectDelivery(deps);
    case 'durable':
      throw new Error('--delivery durable is not in this version: use direct');
  }
}
