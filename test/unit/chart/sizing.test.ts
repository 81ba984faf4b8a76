import { describe, expect, it } from '@jest/globals';
import { DEFAULT_DELIVERY_LIMITS } from '../../../src/delivery/limits.js';
import { webhookLimits } from '../../../src/webhook/limits.js';
import { installed } from './rendered.js';

const MIB = 1_024 * 1_024;
/**
 * Measured: a process that listens, with its code compiled, and what an idle connection costs it.
 */
const BASE_BYTES = 150 * MIB;
const CONNECTION_BYTES = 28 * 1_024;
/** What an event under way costs besides its bytes, and one that waits for its repeat. */
const ITEM_BYTES = 1_024;
const UNSETTLED_BYTES = 30 * MIB;
const REMEMBERED_BYTES = 16;

interface Deployment {
  readonly spec: {
    readonly template: {
      readonly spec: { readonly containers: readonly { readonly resources: { readonly limits: { readonly memory: string } } }[] };
    };
  };
}

describe('the memory limit of the webhook', () => {
  it('holds everything that the listener and delivery may ever keep', () => {
    const { maxConnections, maxHeaderBytes, maxUnverifiedBytes } = webhookLimits();
    const { maxHeldBytes, maxItems, maxRemembered } = DEFAULT_DELIVERY_LIMITS;
    const held = maxUnverifiedBytes + 2 * maxHeldBytes + maxItems * ITEM_BYTES + UNSETTLED_BYTES + maxRemembered * REMEMBERED_BYTES;
    const all = BASE_BYTES + maxConnections * (CONNECTION_BYTES + maxHeaderBytes) + held;

    const webhook = installed.find(({ kind, metadata }) => kind === 'Deployment' && metadata.name === 'messenger-operator-webhook');
    const [container] = (webhook as unknown as Deployment).spec.template.spec.containers;
    const limit = /^(\d+)Mi$/.exec(container?.resources.limits.memory ?? '')?.[1];

    expect(Number(limit) * MIB).toBeGreaterThan(all);
  });
});
