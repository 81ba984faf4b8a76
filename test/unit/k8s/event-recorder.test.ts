import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { KubeObject } from '../../../src/api/meta.js';
import { silentLogger } from '../../../src/kit/log.js';
import { KubeEventRecorder } from '../../../src/k8s/event-recorder.js';
import type { KubeClient } from '../../../src/k8s/kube-http.js';
import { neverWrites, writesAlone } from '../../../src/k8s/write-fences.js';
import type { KubeEvent, WriteFence } from '../../../src/runtime/ports.js';
import { eventually } from '../../support/eventually.js';
import { SteppedClock } from './reflector-harness.js';
import { clientOf, json, ScriptedApi, status } from './scripted-api.js';

const PAGE: KubeObject = {
  apiVersion: 'messenger-operator.dev/v1alpha1',
  kind: 'MessengerPage',
  metadata: { name: 'clinic', namespace: 'bots', uid: 'u1', resourceVersion: '7' },
};
const EVENT: KubeEvent = { type: 'Warning', reason: 'LeftSubscribed', action: 'Unsubscribe', note: 'page 1001 stays subscribed' };
const TERMINATING = status(403, 'Forbidden', { causes: [{ reason: 'NamespaceTerminating' }] });

interface Body {
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly note: string;
  readonly series?: { readonly count: number };
}

describe('KubeEventRecorder', () => {
  let api: ScriptedApi;
  let clock: SteppedClock;
  let client: KubeClient;
  let abort: AbortController;
  let running: Promise<void>[];
  let told: string[];

  beforeEach(async () => {
    api = await new ScriptedApi().start();
    clock = new SteppedClock();
    client = clientOf(api, clock);
    abort = new AbortController();
    running = [];
    told = [];
  });

  afterEach(async () => {
    abort.abort();
    await Promise.all(running);
    await client.close();
    await api.stop();
  });

  function start(fence: WriteFence = writesAlone): KubeEventRecorder {
    const observe = (what: string): void => void told.push(what);
    const parts = { controller: 'messenger-operator.dev/controller', instance: 'pod-1', fallbackNamespace: 'operator', observe };
    const recorder = new KubeEventRecorder({ client, fence, clock, log: silentLogger, ...parts });
    running.push(recorder.run(abort.signal));
    return recorder;
  }

  const body = (at: number): Body => api.seen.at(at)?.body as Body;

  it('writes an Event as events.k8s.io wants it', async () => {
    api.otherwise(json(201, {}));
    start().record(PAGE, EVENT);
    await eventually(() => told.length === 1);
    expect(api.seen[0]?.url.pathname).toBe('/apis/events.k8s.io/v1/namespaces/bots/events');
    expect(body(0)).toMatchObject({
      eventTime: '2026-11-23T00:00:00.000000Z',
      reportingController: 'messenger-operator.dev/controller',
      reportingInstance: 'pod-1',
      type: 'Warning',
      reason: 'LeftSubscribed',
      action: 'Unsubscribe',
      note: 'page 1001 stays subscribed',
      regarding: { kind: 'MessengerPage', namespace: 'bots', name: 'clinic', uid: 'u1', resourceVersion: '7' },
    });
    expect(body(0).metadata.name).toMatch(/^clinic\.[0-9a-f]{16}$/);
    expect(body(0)).not.toHaveProperty('series');
  });

  it('counts equal Events in one series, at the API server once a minute at most', async () => {
    api.otherwise(json(201, {}));
    const recorder = start();
    recorder.record(PAGE, EVENT);
    await eventually(() => told.length === 1);
    for (let i = 0; i < 50; i++) recorder.record(PAGE, EVENT);
    await clock.settle(59_000, () => api.seen.length > 1);
    expect(api.seen).toHaveLength(1);
    await clock.settle(2_000, () => told.length === 2);
    expect(api.seen[1]?.method).toBe('PATCH');
    expect(api.seen[1]?.url.pathname).toBe(`/apis/events.k8s.io/v1/namespaces/bots/events/${body(0).metadata.name}`);
    expect(api.seen[1]?.body).toEqual({ series: { count: 51, lastObservedTime: '2026-11-23T00:00:00.000000Z' } });
  });

  it('tells anew what differs, what is told again after ten silent minutes, and what the server has forgotten', async () => {
    api.otherwise(json(201, {}));
    const recorder = start();
    recorder.record(PAGE, EVENT);
    recorder.record(PAGE, { ...EVENT, note: 'another note' });
    await eventually(() => told.length === 2);
    await clock.advance(600_000);
    recorder.record(PAGE, EVENT);
    await eventually(() => told.length === 3);
    expect(api.seen.map(({ method }) => method)).toEqual(['POST', 'POST', 'POST']);

    api.next(status(404, 'NotFound'));
    await clock.advance(61_000);
    recorder.record(PAGE, EVENT);
    await eventually(() => told.length === 4);
    expect(api.seen.map(({ method }) => method).slice(3)).toEqual(['PATCH', 'POST']);
    expect(body(-1).series?.count).toBe(2);
  });

  it('counts on within a minute though the wall clock was set back by a day', async () => {
    api.otherwise(json(201, {}));
    const recorder = start();
    recorder.record(PAGE, EVENT);
    await eventually(() => told.length === 1);

    clock.jump(-86_400_000);
    recorder.record(PAGE, EVENT);
    await clock.settle(61_000, () => told.length === 2);

    expect(api.seen.map(({ method }) => method)).toEqual(['POST', 'PATCH']);
  });

  it.each([
    ['is being deleted', TERMINATING],
    ['is gone', status(404, 'NotFound')],
  ])("goes to the operator's namespace when the object's own %s", async (_how, answer) => {
    api.next(answer).otherwise(json(201, {}));
    start().record(PAGE, EVENT);
    await eventually(() => told.length === 1);
    expect(body(1)).toMatchObject({ metadata: { namespace: 'operator' }, regarding: { namespace: 'bots', name: 'clinic' } });
    expect(told).toEqual(['sent']);
  });

  it('tries again what the server could not take, a few times', async () => {
    api.next(status(503, 'Unavailable'), status(429, 'TooManyRequests', {}, { 'retry-after': '3' })).otherwise(json(201, {}));
    start().record(PAGE, EVENT);
    await clock.settle(10_000, () => told.length === 1);
    expect(told).toEqual(['sent']);

    api.otherwise(status(500, 'Internal'));
    start().record(PAGE, { ...EVENT, note: 'never' });
    await clock.settle(60_000, () => told.length === 2);
    expect(told).toEqual(['sent', 'dropped']);
    expect(api.seen).toHaveLength(3 + 4);
  });

  it('drops, counted, what is refused for good, what does not fit, and what it may not write', async () => {
    api.next(status(422, 'Invalid')).otherwise(json(201, {}));
    start().record(PAGE, EVENT);
    await eventually(() => told.includes('dropped'));
    expect(api.seen).toHaveLength(1);

    start(neverWrites).record(PAGE, { ...EVENT, note: 'not the leader' });
    await eventually(() => told.length === 2);
    expect(api.seen).toHaveLength(1);

    const full = new KubeEventRecorder({
      ...{ client, fence: writesAlone, clock, log: silentLogger, controller: 'c', instance: 'i', fallbackNamespace: undefined },
      observe: (what) => told.push(what),
    });
    for (let i = 0; i < 1_005; i++) full.record(PAGE, { ...EVENT, note: `note ${i}` });
    expect(told).toHaveLength(2 + 5);
  });

  it('cuts a note to what the API takes, never in the middle of a character', async () => {
    api.otherwise(json(201, {}));
    start().record(PAGE, { ...EVENT, note: 'ü'.repeat(2_000) });
    await eventually(() => told.length === 1);
    expect(body(0).note).toMatch(/^ü+…$/);
    expect(Buffer.byteLength(body(0).note)).toBeLessThanOrEqual(1_024);
  });

  it('waits for what is not sent yet, but no longer than told', async () => {
    api.otherwise(json(201, {}));
    const recorder = start();
    recorder.record(PAGE, EVENT);
    const flushed = recorder.flush(2_000);
    await clock.settle(2_000, () => told.length === 1);
    await clock.advance(20);
    await flushed;

    api.otherwise(() => undefined);
    recorder.record(PAGE, { ...EVENT, note: 'no answer' });
    let over = false;
    void recorder.flush(2_000).then(() => (over = true));
    await clock.advance(2_020);
    expect(over).toBe(true);
  });
});
