import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { QueueClass } from '../../../../src/runtime/observer.js';
import { soonerClass } from '../../../../src/runtime/queue/queue-lanes.js';
import { WorkQueue } from '../../../../src/runtime/queue/work-queue.js';
import { FakeClock } from '../../../support/fake-clock.js';

const key = fc.constantFrom('a1', 'a2', 'b1', 'b2', 'c1');
const cls = fc.constantFrom<QueueClass>('change', 'retry', 'background');
const step = fc.oneof(
  fc.record({ op: fc.constant('add' as const), key, cls }),
  fc.record({ op: fc.constant('after' as const), key, cls, ms: fc.nat(5_000) }),
  fc.record({ op: fc.constant('fail' as const), key }),
  fc.record({ op: fc.constant('next' as const) }),
  fc.record({ op: fc.constant('done' as const), key }),
  fc.record({ op: fc.constant('advance' as const), ms: fc.nat(8_000) }),
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

/**
 * The queue beside the simplest idea of it: keys that are owed a run, and keys that are worked on.
 */
class Model {
  readonly clock = new FakeClock();
  readonly queue = new WorkQueue<string>({ clock: this.clock, groupOf: (text) => text[0], random: () => 0.5 });
  readonly owed = new Set<string>();
  readonly #working = new Set<string>();

  async play(each: Step): Promise<void> {
    switch (each.op) {
      case 'add':
        this.owed.add(each.key);
        this.queue.add(each.key, each.cls);
        return;
      case 'after':
        this.owed.add(each.key);
        this.queue.addAfter(each.key, each.ms, each.cls);
        return;
      case 'fail':
        this.owed.add(each.key);
        this.queue.addRateLimited(each.key);
        return;
      case 'next':
        return this.take();
      case 'done':
        this.done(each.key);
        return;
      case 'advance':
        await this.clock.advance(each.ms);
    }
  }

  async take(): Promise<void> {
    const wait = new AbortController();
    const next = this.queue.next(wait.signal);
    wait.abort();
    const taken = await next;
    if (taken === undefined) return;
    expect([...this.#working].map((text) => text[0])).not.toContain(taken[0]);
    expect([...this.owed]).toContain(taken);
    this.owed.delete(taken);
    this.#working.add(taken);
  }

  done(text: string): void {
    this.queue.done(text);
    this.#working.delete(text);
  }

  doneAll(): void {
    for (const text of [...this.#working]) this.done(text);
  }
}

describe('WorkQueue, against a model', () => {
  it('runs each key and each group once at a time, runs all that was added, and nothing that was not', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const model = new Model();
        for (const each of steps) await model.play(each);

        await model.clock.advance(3_600_000);
        for (let i = 0; i < 20; i++) {
          model.doneAll();
          await model.take();
        }
        model.doneAll();

        expect([...model.owed]).toEqual([]);
        expect(model.queue.size).toBe(0);
        expect(model.clock.pendingTimers).toBe(0);
      }),
      { numRuns: 150 },
    );
  });
});

const arrival = fc.record({ key: fc.integer({ min: 0, max: 30 }).map(String), cls, afterMs: fc.oneof(fc.constant(0), fc.nat(20_000)) });

/**
 * What is ready, as the simplest idea of the classes has it: each key once, at its earliest time
 * and in its soonest class.
 */
class Ready {
  readonly clock = new FakeClock();
  readonly queue = new WorkQueue<string>({ clock: this.clock, random: () => 0.5 });
  readonly pending = new Map<string, { readonly cls: QueueClass; readonly dueMs: number }>();

  add(text: string, wanted: QueueClass, afterMs: number): void {
    const dueMs = this.clock.monotonicMs() + afterMs;
    const before = this.pending.get(text) ?? { cls: wanted, dueMs };
    const order = (each: QueueClass): number => ['change', 'retry', 'background'].indexOf(each);
    this.pending.set(text, { cls: order(wanted) < order(before.cls) ? wanted : before.cls, dueMs: Math.min(dueMs, before.dueMs) });
    this.queue.addAfter(text, afterMs, wanted);
  }

  /** Takes one key and is done with it; fails if it was not its turn. */
  async take(): Promise<string | undefined> {
    const wait = new AbortController();
    const next = this.queue.next(wait.signal);
    wait.abort();
    const text = await next;
    const due = [...this.pending].filter(([, { dueMs }]) => dueMs <= this.clock.monotonicMs());
    expect(text === undefined).toBe(due.length === 0);
    if (text === undefined) return undefined;
    const taken = this.pending.get(text);
    const aged = taken !== undefined && this.clock.monotonicMs() - taken.dueMs >= 10_000;
    const sooner = due.filter(([, each]) => soonerClass(each.cls, taken?.cls ?? 'change') !== taken?.cls);
    expect([text, aged ? [] : sooner]).toEqual([text, []]);
    this.pending.delete(text);
    this.queue.done(text);
    return text;
  }
}

describe('the classes of WorkQueue, against a model', () => {
  it('serve what is due and nothing else, each key once, a later class before a sooner one only when it has aged', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof({ weight: 4, arbitrary: arrival }, { weight: 2, arbitrary: fc.constant('take' as const) }, fc.nat(15_000)), {
          minLength: 10,
          maxLength: 80,
          size: 'max',
        }),
        async (steps) => {
          const ready = new Ready();
          for (const each of steps) {
            if (each === 'take') await ready.take();
            else if (typeof each === 'number') await ready.clock.advance(each);
            else ready.add(each.key, each.cls, each.afterMs);
          }
          await ready.clock.advance(60_000);
          while ((await ready.take()) !== undefined);
          expect([...ready.pending]).toEqual([]);
        },
      ),
      { numRuns: 150 },
    );
  });

  it('let nothing starve: behind a flood of changes whatever has aged gets at least every fourth turn', async () => {
    const backlog = fc.uniqueArray(fc.record({ key: fc.nat(30).map(String), cls }), { selector: ({ key: text }) => text, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(backlog, async (first) => {
        const ready = new Ready();
        for (const each of first) ready.add(each.key, each.cls, 0);
        await ready.clock.advance(10_001);
        const waiting = new Set(first.map(({ key: text }) => text));
        for (let turn = 0; turn < 4 * (first.length + 1); turn++) {
          ready.add(`flood-${turn}`, 'change', 0);
          waiting.delete((await ready.take()) ?? '');
        }
        expect([...waiting]).toEqual([]);
      }),
      { numRuns: 100 },
    );
  });
});
