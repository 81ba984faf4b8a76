import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { KubeObject } from '../../../src/api/meta.js';
import { REFLECTOR_TIMING } from '../../../src/k8s/reflector-options.js';
import { Store } from '../../../src/runtime/store.js';
import { eventually } from '../../support/eventually.js';
import { json, status, Stream, type Answer } from './scripted-api.js';
import { list, object, ReflectorHarness, SteppedClock } from './reflector-harness.js';

describe('Reflector', () => {
  let h: ReflectorHarness;

  beforeEach(async () => {
    h = await ReflectorHarness.start();
  });

  afterEach(async () => {
    await h.stop();
  });

  it('lists page by page with a consistent read, then watches from the version of the list', async () => {
    const watch = new Stream();
    h.api.next(json(200, list('70', [object('a', '1')], 'more')), json(200, list('70', [object('b', '2')])), watch.answer);
    h.run();
    await h.requests(3);

    const [first, second, third] = h.api.seen.map(({ url }) => url);
    expect(first?.pathname).toBe('/apis/messenger-operator.dev/v1alpha1/messengerpages');
    expect(first?.search).toBe('?limit=500');
    expect(second?.search).toBe('?limit=500&continue=more');
    expect(Object.fromEntries(third?.searchParams ?? [])).toEqual({
      watch: 'true',
      allowWatchBookmarks: 'true',
      resourceVersion: '70',
      timeoutSeconds: '450',
    });
    expect(h.names()).toEqual(['a', 'b']);
    expect(h.store.hasSynced()).toBe(true);
    expect(h.store.list()[0]).toMatchObject({ apiVersion: 'messenger-operator.dev/v1alpha1', kind: 'MessengerPage' });
  });

  it('takes in what the watch tells, and resumes from the last event or bookmark when the watch ends', async () => {
    const first = new Stream()
      .send('ADDED', object('b', '71'))
      .send('MODIFIED', object('a', '72', 'blue'))
      .send('DELETED', object('b', '73'));
    first.send('BOOKMARK', { metadata: { resourceVersion: '90' } }).end();
    h.api.next(json(200, list('70', [object('a', '1')])), first.answer, new Stream().answer);
    h.run();
    await eventually(() => h.count('watch') === 2);
    expect(h.versionAsked()).toBe('90');
    expect(h.store.list().map(({ metadata }) => [metadata.name, metadata.labels?.['color']])).toEqual([['a', 'blue']]);
    expect(h.events()).toEqual(['list', 'watch', 'event', 'event', 'event', 'bookmark', 'watch']);
  });

  it('resumes from the last event when the connection is lost in the middle of a line', async () => {
    const cut = new Stream().send('ADDED', object('b', '71')).raw('{"type":"ADDED","obj').end('reset');
    h.api.next(json(200, list('70', [])), cut.answer, new Stream().answer);
    h.run();
    await eventually(() => h.events().includes('watch_failed'));
    await h.clock.advance(1_000);
    await h.requests(3);
    expect(h.versionAsked()).toBe('71');
    expect(h.names()).toEqual(['b']);
  });

  it.each([
    ['410 on a watch', 'expired', () => status(410, 'Expired')],
    ['504 ResourceVersionTooLarge', 'expired', () => status(504, 'Timeout', { causes: [{ reason: 'ResourceVersionTooLarge' }] })],
    ['an ERROR event 410', 'expired', () => new Stream().send('ERROR', { kind: 'Status', code: 410, reason: 'Expired' }).answer],
    ['an ERROR event 500', 'error_event', () => new Stream().send('ERROR', { kind: 'Status', code: 500, message: 'etcd' }).answer],
    ['a line that is no JSON', 'bad_line', () => new Stream().raw('{"type":"ADDED","object":{"metadata"\n').answer],
    ['an event without an object', 'bad_line', () => new Stream().raw('{"type":"ADDED"}\n').answer],
    ['an object without metadata', 'bad_line', () => new Stream().send('ADDED', { spec: {} }).answer],
    ['an event of no known type', 'bad_line', () => new Stream().send('RENAMED', object('x', '71')).answer],
    ['a line that is longer than it may be', 'bad_line', () => new Stream().raw('x'.repeat(2_000)).answer],
    [
      'an event older than the one before',
      'bad_line',
      () => new Stream().send('ADDED', object('x', '75')).send('MODIFIED', object('x', '74')).answer,
    ],
  ])('lists again after %s, and counts it as %s', async (_what, event, answer) => {
    h = await h.with({ timing: { maxLineBytes: 1_000 } });
    h.api.next(
      json(200, list('70', [object('a', '1'), object('gone', '2')])),
      answer(),
      json(200, list('80', [object('a', '1')])),
      new Stream().answer,
    );
    h.run();
    await h.clock.settle(1_000, () => h.api.seen.length >= 4);
    expect(h.api.seen[2]?.url.search).toBe('?limit=500');
    expect(h.versionAsked()).toBe('80');
    expect(h.names()).toEqual(['a']);
    expect(h.events()).toContain(event);
  });

  it('lists anew when that is asked for, and tells when the list is in the store', async () => {
    h.api.next(json(200, list('70', [object('a', '1')])), new Stream().answer, json(200, list('80', [object('b', '75')])));
    h.api.otherwise(new Stream().answer);
    h.run();
    await eventually(() => h.count('watch') === 1);

    await h.reflector.refresh(h.abort.signal);

    expect(h.names()).toEqual(['b']);
    await h.requests(4);
    expect(h.versionAsked()).toBe('80');
    expect(h.events()).not.toContain('watch_failed');
  });

  it('takes no list for new that was under way when a new one was asked for, and goes on asking while the server fails', async () => {
    h.api.next(json(200, list('70', [object('a', '1')])), status(503, 'Unavailable'), json(200, list('80', [object('b', '75')])));
    h.api.otherwise(new Stream().answer);
    h.run();
    const refreshed = h.reflector.refresh(h.abort.signal).then(() => h.names());

    await h.clock.settle(30_000, () => h.api.seen.length >= 4);

    expect(await refreshed).toEqual(['b']);
  });

  it('waits for a list no longer than until the signal is aborted', async () => {
    const waiting = new AbortController();
    const refreshed = h.reflector.refresh(waiting.signal);
    waiting.abort(new Error('the lease is lost'));

    await expect(refreshed).rejects.toThrow('the lease is lost');
  });

  it('waits as long as a 429 says', async () => {
    const watch = new Stream().send('ADDED', object('b', '71')).end();
    h.api.next(
      json(200, list('70', [])),
      watch.answer,
      status(429, 'TooManyRequests', {}, { 'retry-after': '20' }),
      json(200, list('71', [])),
    );
    h.api.otherwise(new Stream().answer);
    h.run();
    await h.requests(3);
    await eventually(() => h.events().includes('watch_failed'));
    await h.clock.advance(19_999);
    expect(h.api.seen).toHaveLength(3);
    await h.clock.settle(4_001, () => h.api.seen.length === 5);
    expect(h.api.seen).toHaveLength(5);
  });

  it('lists instead of resuming after a server that was away for seconds, however short the queue of failures', async () => {
    const ended = new Stream().send('ADDED', object('lost', '71')).end();
    h.api.next(json(200, list('70', [])), ended.answer, status(429, 'TooManyRequests', {}, { 'retry-after': '3' }));
    h.api.next(json(200, list('75', [object('new', '71')]))).otherwise(new Stream().answer);
    h.run();
    await h.requests(3);
    await h.clock.settle(4_000, () => h.api.seen.length >= 5);
    expect(h.names()).toEqual(['new']);
    expect(h.versionAsked()).toBe('75');
  });

  it('backs off while the server fails, and then takes a list: it may have come back with another past', async () => {
    h.api.next(json(200, list('70', [object('a', '1')])), status(500, 'Internal'), status(503, 'Unavailable'), status(500, 'Internal'));
    h.api.next(json(200, list('70', [])), new Stream().answer);
    h.run();
    const at: number[] = [];
    for (let requests = 2; requests <= 5; requests++) {
      await h.clock.settle(30_000, () => h.api.seen.length >= requests);
      at.push(h.clock.monotonicMs());
    }
    const waits = at.map((ms, i) => ms - (at[i - 1] ?? 0)).slice(1);
    expect(waits[0]).toBeGreaterThan(600);
    expect(waits[1]).toBeGreaterThan(1_400);
    expect(waits[2]).toBeGreaterThan(3_000);
    await h.requests(6);
    expect(h.names()).toEqual([]);
  });

  it('cuts a watch that has been silent for 75 s and lists again instead of resuming it', async () => {
    const stalled = new Stream().send('ADDED', object('b', '71'));
    h.api.next(json(200, list('70', [])), stalled.answer, json(200, list('90', [])), new Stream().answer);
    h.run();
    await eventually(() => h.names().length === 1);
    await h.clock.advance(74_999);
    expect(h.api.seen).toHaveLength(2);
    await h.clock.advance(1);
    await h.requests(4);
    expect(h.api.seen[2]?.url.search).toBe('?limit=500');
    expect(h.events()).toContain('silent');
    await eventually(() => !stalled.isOpen);
  });

  it('is kept from that by bookmarks alone', async () => {
    const watch = new Stream();
    h.api.next(json(200, list('70', [])), watch.answer);
    h.run();
    await h.requests(2);
    for (let i = 1; i <= 5; i++) {
      watch.send('BOOKMARK', { metadata: { resourceVersion: String(70 + i) } });
      await eventually(() => h.count('bookmark') === i);
      await h.clock.advance(60_000);
    }
    expect(h.api.seen).toHaveLength(2);
    expect(h.store.ageMs()).toBe(60_000);
  });

  it('takes a list that is older than what it has seen for a reset, and counts it', async () => {
    const gone = status(410, 'Expired');
    h.api.next(
      json(200, list('70', [object('a', '60', 'new'), object('b', '65')])),
      gone,
      json(200, list('50', [object('a', '40', 'old')])),
    );
    h.api.next(new Stream().answer);
    h.run();
    await h.requests(4);
    await eventually(() => h.events().includes('reset'));
    expect(h.store.list().map(({ metadata }) => [metadata.name, metadata.labels?.['color']])).toEqual([['a', 'old']]);
    expect(h.versionAsked()).toBe('50');
  });

  it('takes a full list after about 30 minutes, whatever the watch says', async () => {
    const watches = [new Stream(), new Stream()];
    h = await h.with({ timing: { silenceMs: 3_600_000 } });
    h.api.next(json(200, list('70', [])), ...watches.map((watch) => watch.answer), json(200, list('71', [])), new Stream().answer);
    h.run();
    await h.requests(2);
    await h.clock.advance(REFLECTOR_TIMING.relistMs - 1);
    watches[0]?.send('BOOKMARK', { metadata: { resourceVersion: '70' } }).end();
    await h.requests(3);
    await h.clock.advance(1);
    watches[1]?.send('BOOKMARK', { metadata: { resourceVersion: '70' } }).end();
    await h.requests(5);
    expect(h.api.seen[3]?.url.search).toBe('?limit=500');
  });

  it('begins a list again that expired between its pages, and asks for it in one piece in the end', async () => {
    for (let i = 0; i < 3; i++) h.api.next(json(200, list('70', [object('a', '1')], 'more')), status(410, 'Expired'));
    h.api.next(json(200, list('71', [object('a', '1'), object('b', '2')])), new Stream().answer);
    h.run();
    await h.requests(8);
    expect(h.api.seen[6]?.url.search).toBe('');
    expect(h.names()).toEqual(['a', 'b']);
  });

  it('does not go round in a list whose pages name each other', async () => {
    h.api.otherwise(json(200, list('70', [object('a', '1')], 'more')));
    h.run();
    await eventually(() => h.reflector.health.problem);
    expect(h.reflector.health.problem).toContain('goes round in a circle');
    expect(h.store.hasSynced()).toBe(false);
    expect(h.api.seen).toHaveLength(2);
  });

  it('asks for metadata alone, with its selectors on list and watch', async () => {
    h = await h.with({ metadataOnly: true, fieldSelector: 'type!=x', labelSelector: 'a=b', namespace: 'bots' });
    h.api.next(json(200, list('70', [])), new Stream().answer);
    h.run();
    await h.requests(2);
    expect(h.api.seen.map(({ headers }) => headers.accept)).toEqual([
      'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1',
      'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1',
    ]);
    for (const { url } of h.api.seen) {
      expect(url.pathname).toContain('/namespaces/bots/');
      expect([url.searchParams.get('fieldSelector'), url.searchParams.get('labelSelector')]).toEqual(['type!=x', 'a=b']);
    }
  });

  it('asks for smaller pages of metadata, whose annotations may be large, and holds nothing of those', async () => {
    const kept: unknown[] = [];
    class Watched extends Store<KubeObject> {
      override replace(objects: readonly KubeObject[], scope: { readonly namespace?: string } = {}): void {
        kept.push(...objects);
        super.replace(objects, scope);
      }
    }
    h = await h.with({ metadataOnly: true, store: new Watched({ clock: new SteppedClock() }) });
    const applied = { 'kubectl.kubernetes.io/last-applied-configuration': '{"data":{"token":"CANARY"}}' };
    const { metadata } = object('a', '1');
    h.api.next(json(200, list('70', [{ metadata: { ...metadata, annotations: applied } }])), new Stream().answer);
    h.run();
    await h.requests(2);
    expect(h.api.seen[0]?.url.searchParams.get('limit')).toBe('100');
    expect(JSON.stringify(kept)).toContain('uid-a');
    expect(JSON.stringify(kept)).not.toContain('CANARY');
  });

  it('asks for smaller pages when one is larger than it wants to hold', async () => {
    const large: Answer = (response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).write(Buffer.alloc(65 * 1024 * 1024, ' '));
    };
    h.api.next(large, large, json(200, list('70', [object('a', '1')])), new Stream().answer);
    h.run();
    await eventually(() => h.names().length > 0);
    expect(h.api.seen.slice(0, 3).map(({ url }) => url.searchParams.get('limit'))).toEqual(['500', '125', '32']);
    expect(h.count('list_failed')).toBe(0);
  });

  it('lists also when all that it saw of an outage is a watch that ended without a word', async () => {
    // One that failed before and has its back-off still to come.
    h.api.next(status(500, 'Internal'), status(500, 'Internal'), json(200, list('70', [object('lost', '70')])), new Stream().end().answer);
    h.api.next(json(200, list('71', [object('new', '71')]))).otherwise(new Stream().answer);
    h.run();
    await h.clock.settle(20_000, () => h.api.seen.length >= 6);
    expect(h.names()).toEqual(['new']);
  });

  it('does not ask in a tight loop a server that ends each watch at once', async () => {
    h.api.next(json(200, list('70', []))).otherwise(new Stream().end().answer);
    h.run();
    await h.requests(3);
    await h.clock.settle(60_000, () => false);
    expect(h.api.seen.length).toBeLessThan(12);
  });

  it('stops at once when told, in whatever it is, and leaves no timer', async () => {
    const watch = new Stream();
    h.api.next(json(200, list('70', [])), watch.answer);
    h.run();
    await h.requests(2);
    h.abort.abort();
    await h.running;
    expect(h.clock.pendingTimers).toBe(0);
    await eventually(() => !watch.isOpen);
  });
});
