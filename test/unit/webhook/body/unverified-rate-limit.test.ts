import { describe, expect, it } from '@jest/globals';
import { systemClock } from '../../../../src/kit/clock.js';
import { UnverifiedRateLimit } from '../../../../src/webhook/body/unverified-rate-limit.js';
import { FakeClock } from '../../../support/fake-clock.js';
import { call, post, sign, startEdge, type Edge } from '../fakes.js';

const KIB = 1_024;
const MIB = 1_024 * KIB;

describe('the rate limit of large unverified bodies', () => {
  it('lets a burst through, then so many bytes a second of all bodies together', async () => {
    const clock = new FakeClock();
    const rateLimit = new UnverifiedRateLimit(clock, { largeBytesPerSecond: MIB, largeBurstBytes: 256 * KIB });
    let taken = 0;
    const read = (): void => {
      taken += 64 * KIB;
      if (rateLimit.take(64 * KIB, read)) read();
    };

    read();
    expect(taken).toBe(5 * 64 * KIB);
    await clock.advance(10_000);

    expect(taken).toBeGreaterThan(9.8 * MIB);
    expect(taken).toBeLessThan(10.6 * MIB);
  });

  it('resumes the paused bodies in turn, and forgets one that has ended', async () => {
    const clock = new FakeClock();
    const rateLimit = new UnverifiedRateLimit(clock, { largeBytesPerSecond: MIB, largeBurstBytes: 64 * KIB });
    const turns = { a: 0, b: 0, gone: 0 };
    const body = (name: keyof typeof turns): (() => void) => {
      const resume = (): void => {
        do turns[name]++;
        while (rateLimit.take(64 * KIB, resume));
      };
      return resume;
    };
    const [a, b, gone] = [body('a'), body('b'), body('gone')];
    for (const start of [a, b, gone]) start();
    rateLimit.delete(gone);
    await clock.advance(5_000);

    expect(turns.gone).toBe(1);
    expect(turns.a).toBeGreaterThan(30);
    expect(Math.abs(turns.a - turns.b)).toBeLessThanOrEqual(2);
    rateLimit.stop();
    expect(clock.pendingTimers).toBe(0);
  });
});

describe('bytes that turn out to be signed', () => {
  it('are given back, and never more than a burst', () => {
    const rateLimit = new UnverifiedRateLimit(new FakeClock(), { largeBytesPerSecond: 1, largeBurstBytes: 256 * KIB });
    const resume = (): void => undefined;

    for (let i = 0; i < 100; i++) {
      expect(rateLimit.take(200 * KIB, resume)).toBe(true);
      rateLimit.giveBack(200 * KIB);
    }
    rateLimit.giveBack(10 * MIB);
    expect(rateLimit.take(256 * KIB, resume)).toBe(true);
    expect(rateLimit.take(1, resume)).toBe(false);
  });
});

describe('at the listener', () => {
  async function withEdge(test: (edge: Edge) => Promise<void>): Promise<void> {
    const edge = await startEdge({ clock: systemClock, limits: { largeBytesPerSecond: 4 * MIB, largeBurstBytes: MIB } });
    try {
      await test(edge);
    } finally {
      await edge.server.close();
    }
  }

  it('slows junk down to the limit, and reads all of it to refuse it', () =>
    withEdge(async ({ port, server }) => {
      const junk = Buffer.alloc(3 * MIB, 'x');
      const began = performance.now();
      const { status } = await call(port, { headers: { 'X-Hub-Signature-256': sign(junk, 'another secret') }, body: junk });

      expect(status).toBe(401);
      // Two of three MiB at 4 MiB a second.
      expect(performance.now() - began).toBeGreaterThan(400);
      expect(server.unverifiedBytes).toBe(0);
    }));

  it('reads a large signed body at that rate, too, and all of it', () =>
    withEdge(async ({ port, delivery }) => {
      const text = 'x'.repeat(2 * MIB);
      const body = `{"object":"page","entry":[{"id":"1234567890","time":1,"messaging":[{"sender":{"id":"1"},"message":{"mid":"m","text":"${text}"}}]}]}`;

      expect((await post(port, body)).status).toBe(200);
      expect(delivery.bodies).toEqual([body]);
    }));

  it('lets one large signed body after another through without counting them', async () => {
    const edge = await startEdge({ clock: systemClock, limits: { largeBytesPerSecond: 1, largeBurstBytes: MIB } });
    try {
      for (let i = 0; i < 5; i++) {
        const text = 'x'.repeat(800 * KIB);
        const body = `{"object":"page","entry":[{"id":"1234567890","time":1,"messaging":[{"message":{"mid":"m${i}","text":"${text}"}}]}]}`;
        expect((await post(edge.port, body)).status).toBe(200);
      }
    } finally {
      await edge.server.close();
    }
  });

  it('ends a paused body when its sender goes away', () =>
    withEdge(async ({ port, server }) => {
      const junk = Buffer.alloc(3 * MIB, 'x');
      const abort = new AbortController();
      const sent = fetch(`http://127.0.0.1:${port}/webhooks/messenger`, {
        method: 'POST',
        headers: { 'X-Hub-Signature-256': sign(junk) },
        body: junk,
        signal: abort.signal,
      }).catch(() => 'aborted');
      while (server.unverifiedBytes <= MIB) await new Promise((resolve) => setTimeout(resolve, 5));
      abort.abort();

      expect(await sent).toBe('aborted');
      while (server.inFlight > 0) await new Promise((resolve) => setTimeout(resolve, 5));
      expect(server.unverifiedBytes).toBe(0);
    }));
});
