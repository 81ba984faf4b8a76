import { describe, expect, it } from '@jest/globals';
import {
  ClusterUnavailableError,
  NotLeaderError,
  RateLimitedError,
  StaleReadError,
  TerminalError,
  TransientError,
} from '../../../src/core/domain/errors.js';
import type { Logger } from '../../../src/kit/log.js';
import { keyText, type NamespacedName } from '../../../src/core/domain/object-key.js';
import { Controller } from '../../../src/runtime/controller.js';
import type { ReconcileOutcome } from '../../../src/runtime/observer.js';
import type { Result } from '../../../src/runtime/ports.js';
import { WorkQueue } from '../../../src/runtime/queue/work-queue.js';
import { FakeClock, flush } from '../../support/fake-clock.js';

const A: NamespacedName = { namespace: 'bots', name: 'a' };
const B: NamespacedName = { namespace: 'bots', name: 'b' };

function setUp(reconcile: (key: NamespacedName, signal: AbortSignal) => Promise<Result>, workers = 2, random = () => 0.5) {
  const clock = new FakeClock();
  const queue = new WorkQueue({ clock, random });
  const logged: string[] = [];
  const line =
    (level: string) =>
    (message: string): void =>
      void logged.push(`${level}: ${message}`);
  const log: Logger = { error: line('error'), warn: line('warn'), info: line('info'), debug: line('debug'), child: () => log };
  const outcomes: ReconcileOutcome[] = [];
  const runs: string[] = [];
  const controller = new Controller({
    name: 'test',
    queue,
    workers,
    clock,
    log,
    observe: (outcome) => outcomes.push(outcome),
    reconciler: {
      reconcile: (key, signal) => {
        runs.push(`${clock.monotonicMs() / 1_000} ${keyText(key)}`);
        return reconcile(key, signal);
      },
    },
  });
  const abort = new AbortController();
  return { clock, queue, logged, outcomes, runs, controller, abort, stopped: controller.run(abort.signal) };
}

describe('Controller', () => {
  it('looks again after the time that a reconcile asks for, and not by itself when it asks for none', async () => {
    const results: Result[] = [{ requeueAfterMs: 30_000 }, {}];
    const { clock, queue, runs, outcomes } = setUp(async () => results.shift() ?? {});
    queue.add(A);
    await clock.advance(3_600_000);
    expect(runs).toEqual(['0 bots/a', '30 bots/a']);
    expect(outcomes).toEqual(['requeue_after', 'success']);
  });

  it('backs off exponentially after an error that it does not know, and starts anew after a success', async () => {
    const errors = [new Error('a bug'), new TransientError('GraphUnavailable', 'x'), new Error('again'), undefined, new Error('later')];
    const { clock, queue, runs, logged } = setUp(async () => {
      const error = errors.shift();
      if (error !== undefined) throw error;
      return {};
    });
    queue.add(A);
    await clock.advance(10_000);
    expect(runs).toEqual(['0 bots/a', '1 bots/a', '3 bots/a', '7 bots/a']);
    queue.add(A);
    await clock.advance(1_000);
    expect(runs.slice(4)).toEqual(['10 bots/a', '11 bots/a']);
    expect(logged).toEqual(Array(4).fill('error: reconcile failed'));
  });

  it('tries a key that the cluster keeps waiting every 15 to 30 s, and says so once', async () => {
    const { clock, queue, runs, logged } = setUp(() => Promise.reject(new ClusterUnavailableError('down')));
    queue.add(A);
    await clock.advance(600_000);
    const late = runs.map((run) => Number(run.split(' ')[0])).slice(-3);
    expect(late.map((second, i) => second - (late[i - 1] ?? second - 22.5))).toEqual([22.5, 22.5, 22.5]);
    expect(logged.filter((line) => line.startsWith('error'))).toEqual(['error: reconcile failed']);
  });

  it('tries a key that the cluster refuses for good less and less often', async () => {
    const { clock, queue, runs } = setUp(() => Promise.reject(new ClusterUnavailableError('the status is refused')));
    queue.add(A);
    await clock.advance(3_600_000);
    expect(runs.length).toBeLessThan(90);
    const before = runs.length;
    await clock.advance(3_600_000);
    expect(runs.length - before).toBeLessThan(25);
  });

  it('tries one of many such keys in about 2 s, and wakes them all with the first that gets through', async () => {
    let down = true;
    const keys = Array.from({ length: 100 }, (_, i) => ({ namespace: 'bots', name: `page-${i}` }));
    let n = 0;
    const reconcile = async (): Promise<Result> => {
      if (down) throw new ClusterUnavailableError('down');
      return {};
    };
    // Spread over 0 to 1, and the same in every run.
    const { clock, queue, runs } = setUp(reconcile, 2, () => (n += 0.618) % 1);
    for (const key of keys) queue.add(key);
    await clock.advance(1_200_000);
    const before = runs.length;
    await clock.advance(200_000);
    expect(runs.length - before).toBeLessThanOrEqual(2 * keys.length);

    down = false;
    const healed = runs.length;
    await clock.advance(30_000);
    expect(new Set(runs.slice(healed).map((run) => run.split(' ')[1])).size).toBe(keys.length);
  });

  it('survives a reconciler that throws before it returns a promise', async () => {
    let first = true;
    const { clock, queue, outcomes } = setUp(() => {
      if (!first) return Promise.resolve({});
      first = false;
      throw new Error('synchronous');
    });
    queue.add(A);
    await clock.advance(1_000);
    expect(outcomes).toEqual(['error', 'success']);
  });

  it('waits exactly as long as a rate limit says, without counting a failure', async () => {
    let first = true;
    const { clock, queue, runs, outcomes } = setUp(async () => {
      if (!first) return {};
      first = false;
      throw new RateLimitedError('too many calls', 90_000);
    });
    queue.add(A);
    await clock.advance(89_999);
    expect(runs).toHaveLength(1);
    expect(queue.failures(A)).toBe(0);
    await clock.advance(1);
    expect(outcomes).toEqual(['rate_limited', 'success']);
  });

  it('looks at a stalled object after 10, 20, 40 minutes and so on up to every 6 hours, from the start again after a success', async () => {
    let stalled = true;
    const { clock, queue, runs } = setUp(async () => {
      if (stalled) throw new TerminalError('TokenInvalidated', 'the token was revoked');
      return {};
    });
    queue.add(A);
    await clock.advance((10 + 20 + 40 + 80 + 160 + 320 + 360 + 360) * 60_000);
    const minutes = runs.map((run) => Number(run.split(' ')[0]) / 60);
    expect(minutes.map((at, i) => at - (minutes[i - 1] ?? 0))).toEqual([0, 10, 20, 40, 80, 160, 320, 360, 360]);

    stalled = false;
    queue.add(A);
    await flush();
    stalled = true;
    queue.add(A);
    await flush();
    const before = runs.length;
    await clock.advance(10 * 60_000);
    expect(runs).toHaveLength(before + 1);
  });

  it.each([new StaleReadError('replaced'), new NotLeaderError()])('queues the key again after %s and logs no error', async (error) => {
    const errors: Error[] = [error];
    const { clock, queue, outcomes, logged } = setUp(async () => {
      const next = errors.shift();
      if (next !== undefined) throw next;
      return {};
    });
    queue.add(A);
    await clock.advance(2_000);
    expect(outcomes).toEqual(['requeue', 'success']);
    expect(logged).toEqual(['debug: reconcile ends early']);
  });

  it('aborts a reconcile at its deadline and tries again', async () => {
    let runs = 0;
    const { clock, queue, outcomes } = setUp((_key, signal) => {
      if (++runs > 1) return Promise.resolve({});
      return new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          reject(signal.reason as Error);
        });
      });
    });
    queue.add(A);
    await clock.advance(119_999);
    expect(outcomes).toEqual([]);
    await clock.advance(1_001);
    expect(outcomes).toEqual(['error', 'success']);
  });

  it('says once that a reconcile does not stop, and never runs its key a second time beside it', async () => {
    const { clock, queue, runs, logged } = setUp(() => new Promise<Result>(() => undefined));
    queue.add(A);
    await flush();
    queue.add(A);
    await clock.advance(3_600_000);
    expect(runs).toHaveLength(1);
    expect(logged).toEqual(['error: reconcile does not stop']);
  });

  it('works on as many keys at once as it has workers', async () => {
    let busy = 0;
    let most = 0;
    const { clock, queue } = setUp(async () => {
      most = Math.max(most, ++busy);
      await new Promise<void>((resolve) => clock.setTimer(1_000, resolve));
      busy--;
      return {};
    }, 3);
    for (let i = 0; i < 10; i++) queue.add({ namespace: 'bots', name: `p${i}` });
    await clock.advance(10_000);
    expect(most).toBe(3);
    expect(busy).toBe(0);
  });

  it('stops only when the reconciles under way have ended, starts none after that and calls none of it an error', async () => {
    let aborted = false;
    let release: () => void = () => undefined;
    const { queue, abort, stopped, runs, outcomes, logged, clock } = setUp(async (_key, signal) => {
      await new Promise<void>((resolve) => (release = resolve));
      aborted = signal.aborted;
      throw new Error('interrupted');
    }, 1);
    queue.add(A);
    queue.add(B);
    await flush();
    let over = false;
    void stopped.then(() => (over = true));

    abort.abort();
    await flush();
    expect(over).toBe(false);
    release();
    await stopped;

    expect(aborted).toBe(true);
    expect(runs).toEqual(['0 bots/a']);
    expect(outcomes).toEqual(['aborted']);
    expect(logged).toEqual([]);
    expect(clock.pendingTimers).toBe(0);
  });
});
