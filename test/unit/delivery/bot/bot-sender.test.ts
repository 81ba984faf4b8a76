import { describe, expect, it } from '@jest/globals';
import type { EventEntry } from '../../../../src/core/domain/event.js';
import { Secret } from '../../../../src/core/secrets/secret.js';
import type { Attempt, Outcome } from '../../../../src/delivery/bot/attempt.js';
import { BotSender } from '../../../../src/delivery/bot/bot-sender.js';
import type { Reply } from '../../../../src/delivery/bot/reply.js';
import { deliveryLimits } from '../../../../src/delivery/limits.js';
import { silentLogger } from '../../../../src/kit/log.js';
import { FakeClock } from '../../../support/fake-clock.js';
import { aRoute } from '../../webhook/fakes.js';
import { CountingObserver, FakeBots, aText, bodyAt, routed } from '../fakes.js';

/** An attempt that belongs to no POST, as of events that were stored. */
class StoredAttempt implements Attempt {
  readonly route = aRoute({ maxEventsPerRequest: 0 });
  readonly appSecret = new Secret('app-secret', 'the-app-secret');
  readonly verified = undefined;
  readonly traceparent = '00-aa-bb-00';
  readonly trace = undefined;
  readonly receivedMs = 0;
  readonly lastTryMs = Infinity;
  readonly holders = ['app/page', 'bots', 'app'];
  readonly entry: EventEntry;
  readonly items: Attempt['items'];
  readonly #settled: (string | undefined)[];
  readonly #blocked: { isBlocked: boolean };

  constructor(entry: EventEntry, items: Attempt['items'], settled: (string | undefined)[], blocked = { isBlocked: false }) {
    this.entry = entry;
    this.items = items;
    this.#settled = settled;
    this.#blocked = blocked;
  }

  isBlocked(): boolean {
    return this.#blocked.isBlocked;
  }

  mustTry(): boolean {
    return false;
  }

  mayLog(): boolean {
    return true;
  }

  begun(): void {
    this.#settled.push('begun');
  }

  halves(): readonly [Attempt, Attempt] {
    const half = (from: number, to: number): Attempt =>
      new StoredAttempt(this.entry, this.items.slice(from, to), this.#settled, this.#blocked);
    return [half(0, 1), half(1, this.items.length)];
  }

  settle(reply: Reply): Outcome {
    this.#settled.push(reply.kind === 'unavailable' ? reply.why : reply.kind);
    this.#blocked.isBlocked ||= reply.kind === 'unavailable';
    return reply.kind === 'too_large' ? 'refused' : reply.kind;
  }
}

function setUp() {
  const clock = new FakeClock();
  const bots = new FakeBots(clock);
  const observer = new CountingObserver();
  const sender = new BotSender({ client: bots, clock, log: silentLogger, observer, limits: deliveryLimits() });
  const settled: (string | undefined)[] = [];
  const entry = routed(bodyAt(clock, aText('m1', 'one'), aText('m2', 'two')), clock).entries[0]?.entry;
  if (entry === undefined) throw new Error('no entry');
  const send = (): Promise<void> =>
    new Promise((resolve) => {
      sender.send(new StoredAttempt(entry, entry.items, settled), resolve);
    });
  return { bots, sender, settled, send, observer };
}

describe('BotSender', () => {
  it('sends an attempt of no POST, signed, and settles it once', async () => {
    const { bots, settled, send, sender } = setUp();

    await send();

    expect(settled).toEqual(['begun', 'accepted']);
    expect(bots.texts).toEqual(['one', 'two']);
    expect(bots.sent[0]?.headers['x-hub-signature-256']).toMatch(/^sha256=[0-9a-f]{64}$/);
    expect(sender.pageStates()).toMatchObject([{ lastFailure: undefined }]);
  });

  it('sends one that is too large in halves, in order, and settles each half', async () => {
    const { bots, settled, send } = setUp();
    await send();
    settled.length = bots.sent.length = 0;
    bots.answer = ({ body }) => (body.includes('"one"') && body.includes('"two"') ? 413 : 200);

    await send();

    expect(settled).toEqual(['begun', 'begun', 'accepted', 'begun', 'accepted']);
    expect(bots.texts).toEqual(['one', 'two', 'one', 'two']);
  });

  it('asks the attempt again between the halves whether it is blocked', async () => {
    const { bots, settled, send, observer } = setUp();
    bots.answer = ({ body }) => (body.includes('"one"') && body.includes('"two"') ? 413 : 503);

    await send();

    expect(settled).toEqual(['begun', 'begun', 'status', 'earlier_event_failed']);
    expect(observer.counts).toEqual({ 'why:status': 1, 'why:earlier_event_failed': 1 });
  });
});
