import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { QueueClass } from '../../../src/runtime/ports.js';
import { WorkQueue } from '../../../src/runtime/work-queue.js';
import { FakeClock } from '../../support/fake-clock.js';

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

/** The queue beside the simplest idea of it: keys that are owed a run, and keys that are worked on. */
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
