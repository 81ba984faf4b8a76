import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { MessengerPage } from '../../../src/api/v1alpha1/types.gen.js';
import { AppHealth } from '../../../src/controller/app-health.js';
import { bad, conditionsFrom, good, type Verdict } from '../../../src/controller/verdict.js';
import { KeyMutex } from '../../../src/controller/key-mutex.js';
import { bisectFields } from '../../../src/controller/messengerapp/bisect-fields.js';
import { afterForeignChange, isStopped, NO_CONTEST } from '../../../src/controller/messengerpage/contest.js';
import { StatusMemory } from '../../../src/controller/status-memory.js';
import { FakeClock, flush } from '../../support/fake-clock.js';
import { aPage } from './support/world.js';

const signal = new AbortController().signal;

describe('KeyMutex', () => {
  it('runs the work of one key in order, of several keys together, and keeps nothing', async () => {
    const mutex = new KeyMutex();
    const log: string[] = [];
    let release = (): void => undefined;
    const first = mutex.run('a', signal, () => new Promise<void>((resolve) => (release = resolve)).then(() => void log.push('a1')));
    const second = mutex.run('a', signal, async () => void log.push('a2'));
    await mutex.run('b', signal, async () => void log.push('b'));

    expect(log).toEqual(['b']);
    release();
    await Promise.all([first, second]);

    expect(log).toEqual(['b', 'a1', 'a2']);
    await flush();
    expect(mutex.size).toBe(0);
  });

  it('lets the next one in when one fails, and does not run what was aborted while it waited', async () => {
    const mutex = new KeyMutex();
    const abort = new AbortController();
    let ran = false;
    const failing = mutex.run('a', signal, () => Promise.reject(new Error('failed')));
    const waiting = mutex.run('a', abort.signal, async () => void (ran = true));
    abort.abort(new Error('stop'));

    await expect(failing).rejects.toThrow('failed');
    await expect(waiting).rejects.toThrow('stop');
    expect(ran).toBe(false);
  });

  it('lets nobody wait for work that does not end once it is aborted, and lets nobody past that work', async () => {
    const mutex = new KeyMutex();
    const abort = new AbortController();
    let release = (): void => undefined;
    const log: string[] = [];
    const stuck = mutex.run('a', signal, () => new Promise<void>((resolve) => (release = resolve)).then(() => void log.push('first')));
    const impatient = mutex.run('a', abort.signal, async () => void log.push('second'));
    abort.abort(new Error('stop'));

    await expect(impatient).rejects.toThrow('stop');
    const third = mutex.run('a', signal, async () => void log.push('third'));
    await flush();
    expect(log).toEqual([]);
    release();
    await Promise.all([stuck, third]);

    expect(log).toEqual(['first', 'third']);
    await flush();
    expect(mutex.size).toBe(0);
  });
});

describe('StatusMemory', () => {
  const page = (epoch?: number): MessengerPage => {
    const base = aPage({}, { uid: 'u' });
    return epoch === undefined ? base : { ...base, status: { claim: { appId: '1', pageId: '1', state: 'Held', epoch } } };
  };
  const status = (epoch: number) => page(epoch).status ?? {};

  it('goes on from its own last write while the cache shows an older status, and from the cache after that', async () => {
    const memory = new StatusMemory<MessengerPage>(new FakeClock());
    const writer = memory.writer({ write: async () => undefined });
    await writer.write(page(), status(1), signal);
    await writer.write(page(1), status(2), signal);

    expect(memory.current(page()).status).toEqual(status(2));
    expect(memory.current(page(1)).status).toEqual(status(2));
    expect(memory.current(page(2)).status).toEqual(status(2));
    expect(memory.current(page(7)).status).toEqual(status(7));
  });

  it('believes the cache when a write has not come back for five minutes: an etcd may have been restored to before it', async () => {
    const clock = new FakeClock();
    const memory = new StatusMemory<MessengerPage>(clock);
    await memory.writer({ write: async () => undefined }).write(page(), status(1), signal);

    await clock.advance(299_000);
    expect(memory.current(page()).status).toEqual(status(1));
    await clock.advance(2_000);

    expect(memory.current(page()).status).toBeUndefined();
  });

  it('tells its own writes from those of others, also when the watch is faster than the answer', async () => {
    const memory = new StatusMemory<MessengerPage>(new FakeClock());
    const seen: boolean[] = [];
    await memory
      .writer({ write: async (_object, written) => void seen.push(memory.seen({ ...page(), status: written })) })
      .write(page(), status(1), signal);

    expect(seen).toEqual([true]);
    expect(memory.seen(page(7))).toBe(false);
  });

  it('does not take a write for done that failed', async () => {
    const memory = new StatusMemory<MessengerPage>(new FakeClock());
    const writer = memory.writer({ write: () => Promise.reject(new Error('no answer')) });

    await expect(writer.write(page(), status(1), signal)).rejects.toThrow();

    expect(memory.current(page()).status).toBeUndefined();
    expect(memory.seen(page(1))).toBe(true);
  });

  it('takes a status that somebody set back for what it is', async () => {
    const memory = new StatusMemory<MessengerPage>(new FakeClock());
    const writer = memory.writer({ write: async () => undefined });
    await writer.write(page(), status(1), signal);
    await writer.write(page(1), status(2), signal);
    memory.seen(page(2));

    expect(memory.seen(page(1))).toBe(false);
    expect(memory.current(page(1)).status).toEqual(status(1));
  });

  it('writes nothing that is already so', async () => {
    let writes = 0;
    const memory = new StatusMemory<MessengerPage>(new FakeClock());
    await memory.writer({ write: async () => void (writes += 1) }).write(page(1), status(1), signal);

    expect(writes).toBe(0);
  });
});

describe('AppHealth', () => {
  const app = { namespace: 'bots', name: 'main' };

  it('parks and clears, and lets pages wait longer the sooner they are parked again', async () => {
    const clock = new FakeClock();
    const health = new AppHealth(clock);
    const cleared: string[] = [];
    health.onWakePages(({ name }) => cleared.push(name));
    health.park(app);

    expect(health.isParked(app)).toBe(true);
    expect(health.clear(app)).toBe(0);
    health.park(app);
    expect(health.clear(app)).toBe(60_000);
    await clock.advance(60_000);
    expect(health.clear(app)).toBe(0);
    health.park(app);
    expect(health.clear(app)).toBe(120_000);
    expect(cleared).toEqual(['main', 'main']);
  });

  it('asks at most once in thirty seconds', async () => {
    const clock = new FakeClock();
    const health = new AppHealth(clock);
    let asked = 0;
    health.onAsk(() => (asked += 1));
    health.ask(app);
    health.ask(app);
    await clock.advance(30_000);
    health.ask(app);

    expect(asked).toBe(2);
    expect(health.takeQuestion(app)).toBe(true);
    expect(health.takeQuestion(app)).toBe(false);
  });
});

describe('conditionsFrom', () => {
  const at = (nowMs: number) => ({ generation: 1, nowMs });

  it('keeps the time and the words of a condition whose sentence is the same', () => {
    const judged = (time: string) => new Map([['A', { ...bad('R', 'it is over: mend it'), graphText: `Graph 190: at ${time}` }]]);
    const first = conditionsFrom(undefined, judged('10:00'), ['A'], at(0));

    const second = conditionsFrom(first, judged('11:00'), ['A'], at(60_000));

    expect(first[0]?.message).toBe('it is over: mend it (Graph 190: at 10:00)');
    expect(second).toEqual(first);
  });

  it.each(['it is over (Graph 190: x)', 'it is over: mend it', 'it is over: mend it, then wait (Graph 190: at 10:00)'])(
    'replaces the text by another sentence of ours: %s',
    (message) => {
      const first = conditionsFrom(undefined, new Map([['A', bad('R', message)]]), ['A'], at(0));
      const verdict = { ...bad('R', 'it is over: mend it at once'), graphText: 'Graph 190: at 10:00' };

      const [second] = conditionsFrom(first, new Map([['A', verdict]]), ['A'], at(60_000));

      expect(second?.message).toBe('it is over: mend it at once (Graph 190: at 10:00)');
    },
  );

  it('keeps a text that was cut while our sentence is the same', () => {
    const judged = (time: string) => new Map([['A', { ...bad('R', 'it is over'), graphText: `at ${time} ${'x'.repeat(3_000)}` }]]);
    const first = conditionsFrom(undefined, judged('10:00'), ['A'], at(0));

    expect(first[0]?.message).toHaveLength(2_048);
    expect(conditionsFrom(first, judged('11:00'), ['A'], at(60_000))).toEqual(first);
  });

  it('keeps what was not judged, drops what is gone, and moves the time with the status only', () => {
    const first = conditionsFrom(
      undefined,
      new Map([
        ['A', good('a')],
        ['B', good('b')],
        ['C', good('c')],
      ]),
      ['A', 'B', 'C'],
      at(0),
    );

    const second = conditionsFrom(
      first,
      new Map<string, Verdict | 'gone'>([
        ['B', 'gone'],
        ['C', bad('R', 'x')],
      ]),
      ['A', 'B', 'C'],
      { generation: 2, nowMs: 60_000 },
    );

    expect(second).toEqual([
      first[0],
      { type: 'C', status: 'False', reason: 'R', message: 'x', observedGeneration: 2, lastTransitionTime: '1970-01-01T00:01:00Z' },
    ]);
  });
});

describe('bisectFields', () => {
  it.each([
    ['where Graph names the first bad one', true],
    ['where Graph names none', false],
  ])('ends with all good fields and names all bad ones: %s', async (_name, named) => {
    const names = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 3 }), { maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(names, fc.nat(5), fc.func(fc.boolean()), async (all, split, isBad) => {
        const base = all.slice(0, split);
        const candidates = all.slice(split);
        const refused = new Set(candidates.filter((field) => isBad(field)));
        let attempts = 0;
        const found = await bisectFields(base, candidates, async (fields) => {
          attempts += 1;
          const first = fields.find((field) => refused.has(field));
          return first === undefined ? { taken: true } : { taken: false, refused: named ? first : undefined };
        });
        expect(new Set(found.refused)).toEqual(refused);
        expect(found.fields).toEqual([...base, ...candidates.filter((field) => !refused.has(field))]);
        expect(attempts).toBeLessThanOrEqual(named ? refused.size + 1 : 2 * candidates.length);
      }),
    );
  });
});

describe('a contest', () => {
  it('stops for 1, 2, 4 and then 6 hours', () => {
    let now = 0;
    let contest = NO_CONTEST;
    const hours: number[] = [];
    for (let stop = 0; stop < 5; stop++) {
      for (let i = 0; i < 5; i++) contest = afterForeignChange(contest, now);
      hours.push(((contest.untilMs ?? 0) - now) / 3_600_000);
      now = contest.untilMs ?? 0;
      expect(isStopped(contest, now)).toBe(false);
    }

    expect(hours).toEqual([1, 2, 4, 6, 6]);
  });

  it('does not count changes that are half an hour apart', () => {
    let contest = NO_CONTEST;
    for (let i = 0; i < 20; i++) contest = afterForeignChange(contest, i * 8 * 60_000);

    expect(contest.untilMs).toBeUndefined();
  });
});
