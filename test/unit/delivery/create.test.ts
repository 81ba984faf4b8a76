import { describe, expect, it } from '@jest/globals';
import { createDelivery } from '../../../src/delivery/create.js';
import { silentLogger } from '../../../src/kit/log.js';
import { silentDeliveryObserver } from '../../support/silent-observers.js';
import { FakeClock } from '../../support/fake-clock.js';
import { FakeBots, bodyAt, aText, routed, verdictOf } from './fakes.js';

function setUp(mode: 'direct' | 'durable') {
  const clock = new FakeClock();
  const bots = new FakeBots(clock);
  const create = () => createDelivery(mode, { client: bots, clock, log: silentLogger, observer: silentDeliveryObserver });
  return { clock, bots, create };
}

describe('createDelivery', () => {
  it('makes a direct delivery that goes through its whole life', async () => {
    const { clock, bots, create } = setUp('direct');
    const delivery = create();
    await delivery.start();

    expect(delivery.ready()).toBe(true);
    expect(await verdictOf(delivery, routed(bodyAt(clock, aText('m1', 'hello')), clock))).toBe('done');
    expect(delivery.pageStates()).toMatchObject([{ owner: 'bots/clinic-a', lastFailure: undefined }]);

    await delivery.drain(1_000);
    expect(await verdictOf(delivery, routed(bodyAt(clock, aText('m2', 'late')), clock))).toBe('unavailable');
    await delivery.close();
    expect(bots.isClosed).toBe(true);
    expect(bots.texts).toEqual(['hello']);
  });

  it('refuses a mode that this version does not have, by the name of its flag', () => {
    expect(setUp('durable').create).toThrow('--delivery durable is not in this version: use direct');
  });
});
