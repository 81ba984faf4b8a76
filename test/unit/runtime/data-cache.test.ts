import { describe, expect, it } from '@jest/globals';
import { silentLogger } from '../../../src/kit/log.js';
import type { NamespacedName } from '../../../src/core/domain/object-key.js';
import { ReferencedData, type ReferencedDataOptions } from '../../../src/runtime/data-cache.js';
import { ReadRefusedError } from '../../../src/runtime/data-ports.js';
import { FakeClock, flush } from '../../support/fake-clock.js';
import { FakeSecrets } from './fake-secrets.js';

const A: NamespacedName = { namespace: 'bots', name: 'a' };
const GRACE_MS = 600_000;

function setUp(options: Partial<ReferencedDataOptions> = {}) {
  const clock = new FakeClock();
  const secrets = new FakeSecrets();
  const cache = new ReferencedData({
    clock,
    log: silentLogger,
    source: secrets,
    fetch: secrets.fetch,
    graceMs: GRACE_MS,
    random: () => 0.5,
    ...options,
  });
  const abort = new AbortController();
  const told: string[] = [];
  const show = (key: NamespacedName): string => {
    const state = cache.peek(key);
    if (state.kind !== 'present') return state.kind;
    return `${Buffer.from(state.data.get('token') ?? []).toString()}${state.goneSinceMs === undefined ? '' : ' (gone)'}`;
  };
  cache.subscribe((key) => told.push(show(key)));
  cache.start(abort.signal);
  return { clock, secrets, cache, abort, told, show };
}

describe('ReferencedData', () => {
  it('reads an object when a reference appears, and only those that somebody refers to', async () => {
    const { secrets, cache, told, show } = setUp();
    secrets.put(A, '1', 'one');
    secrets.put({ namespace: 'bots', name: 'unrelated' }, '2', 'x');
    expect(show(A)).toBe('unknown');

    cache.retain('page', [A]);
    expect(show(A)).toBe('unknown');
    await flush();

    expect(told).toEqual(['one']);
    expect(secrets.reads).toEqual(['bots/a']);
  });

  it('reads it again when its version changes, and tells only what changed in value', async () => {
    const { secrets, cache, told } = setUp();
    secrets.put(A, '1', 'one');
    cache.retain('page', [A]);
    await flush();
    secrets.put(A, '2', 'two');
    await flush();
    secrets.put(A, '3', 'two');
    await flush();
    expect(told).toEqual(['one', 'two']);
    expect(secrets.reads).toHaveLength(3);
    const state = cache.peek(A);
    expect(state.kind === 'present' && state.resourceVersion).toBe('3');
  });

  it('reads once for any number of references and waiters', async () => {
    const { secrets, cache } = setUp();
    secrets.put(A, '1', 'one');
    cache.retain('page', [A]);
    cache.retain('app', [A, A]);
    const signal = new AbortController().signal;
    const [first, second] = await Promise.all([cache.read(A, signal), cache.read(A, signal)]);
    expect(first).toBe(second);
    expect(secrets.reads).toHaveLength(1);
  });

  it('reads again when the version moved on while a read was under way', async () => {
    const { secrets, cache, told } = setUp();
    let release: () => void = () => undefined;
    secrets.hold = new Promise((resolve) => (release = resolve));
    secrets.put(A, '1', 'one');
    cache.retain('page', [A]);
    await flush();
    secrets.put(A, '2', 'two');
    release();
    await flush();
    expect(told).toEqual(['one', 'two']);
  });

  it('needs no second read when the watch catches up with what was read', async () => {
    const { secrets, cache } = setUp();
    secrets.put(A, '7', 'one');
    secrets.watch(A, '6');
    cache.retain('page', [A]);
    await flush();
    secrets.watch(A, '7');
    await flush();
    expect(secrets.reads).toHaveLength(1);
  });

  it('knows an object that the watch does not list as absent, without a read', async () => {
    const { secrets, cache, told } = setUp();
    cache.retain('page', [A]);
    await flush();
    expect(told).toEqual(['absent']);
    expect(secrets.reads).toEqual([]);
  });

  it('keeps the last good value of an object that vanished for the grace time, telling both', async () => {
    const { clock, secrets, cache, told, show } = setUp();
    secrets.put(A, '1', 'one');
    cache.retain('page', [A]);
    await flush();
    secrets.drop(A);
    expect(show(A)).toBe('one (gone)');
    await clock.advance(GRACE_MS - 1);
    expect(show(A)).toBe('one (gone)');
    await clock.advance(1);
    expect(told).toEqual(['one', 'one (gone)', 'absent']);
  });

  it('takes an object that came back within the grace time, also with the version it had', async () => {
    const { clock, secrets, cache, told } = setUp();
    secrets.put(A, '1', 'one');
    cache.retain('page', [A]);
    await flush();
    secrets.watch(A, undefined);
    await clock.advance(1_000);
    secrets.watch(A, '1');
    await clock.advance(GRACE_MS);
    expect(told).toEqual(['one', 'one (gone)', 'one']);
  });

  it('does not call absent what came back within the grace time and cannot be read, however long that takes', async () => {
    const { clock, secrets, cache, told } = setUp();
    secrets.put(A, '1', 'one');
    cache.retain('page', [A]);
    await flush();
    secrets.drop(A);
    await clock.advance(1_000);
    secrets.failWith = new Error('forbidden');
    secrets.put(A, '2', 'two');
    await clock.advance(2 * GRACE_MS);
    expect(told).toEqual(['one', 'one (gone)']);

    secrets.failWith = undefined;
    await clock.advance(30_000);
    expect(told).toEqual(['one', 'one (gone)', 'two']);
    secrets.drop(A);
    await clock.advance(GRACE_MS);
    expect(told.at(-1)).toBe('absent');
  });

  it('takes a not-found for gone even while the watch still lists the object, and asks no more for that version', async () => {
    const { secrets, cache, show } = setUp();
    secrets.watch(A, '1');
    cache.retain('page', [A]);
    await flush();
    expect(show(A)).toBe('absent');
    secrets.watch(A, '1');
    await flush();
    expect(secrets.reads).toHaveLength(1);
    secrets.put(A, '2', 'two');
    await flush();
    expect(show(A)).toBe('two');
  });

  it('tries a failed read again with back-off, and lets what was known stand', async () => {
    const { clock, secrets, cache, told, show } = setUp();
    secrets.put(A, '1', 'one');
    cache.retain('page', [A]);
    await flush();
    secrets.failWith = new Error('unavailable');
    secrets.put(A, '2', 'two');
    await clock.advance(2_900);
    expect(show(A)).toBe('one');
    expect(secrets.reads).toHaveLength(3);
    secrets.failWith = undefined;
    await clock.advance(100);
    expect(told).toEqual(['one', 'two']);
  });

  it('never calls absent what it could not read', async () => {
    const { clock, secrets, cache, show } = setUp();
    secrets.failWith = new Error('forbidden');
    secrets.put(A, '1', 'one');
    cache.retain('page', [A]);
    await expect(cache.read(A, new AbortController().signal)).rejects.toThrow('forbidden');
    await clock.advance(600_000);
    expect(show(A)).toBe('unknown');
    expect(cache.isSettled()).toBe(true);
  });

  it('reads for somebody who holds no reference, without keeping anything', async () => {
    const { clock, secrets, cache, told } = setUp();
    secrets.put(A, '1', 'one');
    expect((await cache.read(A, new AbortController().signal)).kind).toBe('present');
    expect((await cache.read({ namespace: 'bots', name: 'none' }, new AbortController().signal)).kind).toBe('absent');
    expect([cache.peek(A).kind, cache.size, clock.pendingTimers, told.length]).toEqual(['unknown', 0, 0, 0]);
  });

  it('lets a waiter go when its signal is aborted, while the read goes on', async () => {
    const { secrets, cache, show } = setUp();
    let release: () => void = () => undefined;
    secrets.hold = new Promise((resolve) => (release = resolve));
    secrets.put(A, '1', 'one');
    cache.retain('page', [A]);
    const abort = new AbortController();
    const reading = cache.read(A, abort.signal);
    abort.abort(new Error('enough'));
    await expect(reading).rejects.toThrow('enough');
    release();
    await flush();
    expect(show(A)).toBe('one');
  });

  it('makes at most 16 reads at a time', async () => {
    const { secrets, cache } = setUp();
    let release: () => void = () => undefined;
    secrets.hold = new Promise((resolve) => (release = resolve));
    const keys = Array.from({ length: 40 }, (_, i) => ({ namespace: 'bots', name: `s${i}` }));
    for (const key of keys) secrets.put(key, '1', 'x');
    cache.retain('page', keys);
    await flush();
    expect(secrets.reads).toHaveLength(16);
    release();
    await flush();
    expect(secrets.reads).toHaveLength(40);
    expect(secrets.mostAtOnce).toBe(16);
  });

  it('forgets an object when the last reference to it goes', async () => {
    const { clock, secrets, cache, show } = setUp();
    secrets.put(A, '1', 'one');
    cache.retain('page', [A]);
    cache.retain('app', [A]);
    await flush();
    cache.retain('page', []);
    expect(show(A)).toBe('one');
    secrets.drop(A);
    cache.retain('app', []);
    expect([show(A), cache.size, clock.pendingTimers]).toEqual(['unknown', 0, 0]);
  });

  it('holds no more objects than it may, and takes the next one in when another is released', async () => {
    const logged: string[] = [];
    const log = { ...silentLogger, warn: (message: string): void => void logged.push(message) };
    const { secrets, cache } = setUp({ log, maxRetained: 1 });
    const B = { namespace: 'bots', name: 'b' };
    secrets.put(A, '1', 'one');
    secrets.put(B, '1', 'two');
    cache.retain('first', [A]);
    cache.retain('second', [B]);
    cache.retain('third', [B]);
    await flush();
    expect([cache.peek(A).kind, cache.peek(B).kind, cache.size]).toEqual(['present', 'unknown', 1]);
    expect(logged).toEqual(['too many referenced objects: some stay unknown']);
    expect(cache.beyondBound).toBe(1);

    cache.retain('first', []);
    await flush();
    expect([cache.peek(A).kind, cache.peek(B).kind, cache.size]).toEqual(['unknown', 'present', 1]);
  });

  it('shares its places between namespaces: who has most gives one to who has less', async () => {
    const { secrets, cache, told } = setUp({ maxRetained: 10 });
    const VICTIM = { namespace: 'shop', name: 'token' };
    const evil = Array.from({ length: 50 }, (_each, i) => ({ namespace: 'evil', name: `s${i}` }));
    for (const key of [...evil, VICTIM]) secrets.put(key, '1', key.name);
    evil.forEach((key, i) => {
      cache.retain(`page-${i}`, [key]);
    });
    await flush();
    expect([cache.size, cache.beyondBound]).toEqual([10, 40]);

    cache.retain('victim', [VICTIM]);
    await flush();
    expect(cache.peek(VICTIM).kind).toBe('present');
    expect([cache.size, cache.beyondBound]).toEqual([10, 41]);
    // The one that gave its place is unknown now, and its readers are told.
    expect(told.filter((state) => state === 'unknown')).toHaveLength(1);
  });

  it.each(['absent', 'refused'] as const)('asks less and less often by name for what is %s', async (what) => {
    const { clock, secrets, cache } = setUp();
    secrets.mode = 'polled';
    if (what === 'refused') secrets.failWith = new ReadRefusedError('403');
    cache.retain('page', [A]);
    await flush();
    await clock.advance(3_600_000);
    const inTheFirstHour = secrets.reads.length;
    expect(inTheFirstHour).toBeLessThan(20);

    secrets.failWith = undefined;
    secrets.put(A, '1', 'one');
    await clock.advance(12 * 60_000);
    expect(cache.peek(A).kind).toBe('present');
  });

  it('polls many objects below a rate', async () => {
    const { clock, secrets, cache } = setUp();
    secrets.mode = 'polled';
    for (let i = 0; i < 6_000; i++) {
      const key = { namespace: 'bots', name: `s${i}` };
      secrets.put(key, '1', 'x');
      cache.retain(`page-${i}`, [key]);
    }
    await flush();
    await clock.advance(1_000);
    const before = secrets.reads.length;
    await clock.advance(60_000);
    expect(secrets.reads.length - before).toBeLessThanOrEqual(6_000);
  });

  it('reads by name, again and again, where it may not list', async () => {
    const { clock, secrets, cache, told, show } = setUp();
    secrets.mode = 'polled';
    secrets.put(A, '1', 'one');
    cache.retain('page', [A]);
    await flush();
    secrets.put(A, '2', 'two');
    await clock.advance(29_999);
    expect(show(A)).toBe('one');
    await clock.advance(1);
    expect(show(A)).toBe('two');
    secrets.drop(A);
    await clock.advance(30_000 + GRACE_MS);
    expect(told).toEqual(['one', 'two', 'two (gone)', 'absent']);
    secrets.put(A, '9', 'back', 'u2');
    // What is absent is asked for less and less often.
    await clock.advance(12 * 60_000);
    expect(show(A)).toBe('back');
  });

  it('stops reading again and again when listing is granted, and needs no new read for what it has', async () => {
    const { clock, secrets, cache } = setUp();
    secrets.mode = 'pending';
    secrets.put(A, '1', 'one');
    cache.retain('page', [A]);
    await flush();
    secrets.cover('watched');
    await clock.advance(600_000);
    expect(secrets.reads).toHaveLength(1);
  });

  it('leaves no timer and starts no read after its end', async () => {
    const { clock, secrets, cache, abort } = setUp();
    secrets.mode = 'polled';
    secrets.put(A, '1', 'one');
    cache.retain('page', [A]);
    await flush();
    abort.abort();
    expect(clock.pendingTimers).toBe(0);
    secrets.cover('watched');
    await flush();
    expect(secrets.reads).toHaveLength(1);
  });
});
