import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { silentLogger } from '../../../src/kit/log.js';
import type { KubeClient } from '../../../src/k8s/kube-http.js';
import { CONFIG_MAPS, SECRETS } from '../../../src/k8s/resources.js';
import { fetchData, KubeMetadataSource } from '../../../src/k8s/secret-source.js';
import { ReferencedData } from '../../../src/runtime/data-cache.js';
import { eventually } from '../../support/eventually.js';
import { list, object, SteppedClock } from './reflector-harness.js';
import { clientOf, json, ScriptedApi, status, Stream, type Answer } from './scripted-api.js';

const KEY = { namespace: 'bots', name: 'page' };
const LAST_APPLIED = { 'kubectl.kubernetes.io/last-applied-configuration': '{"stringData":{"token":"CANARY"}}' };

describe('KubeMetadataSource', () => {
  let api: ScriptedApi;
  let clock: SteppedClock;
  let client: KubeClient;
  let life: AbortController;
  let running: Promise<void>[];

  beforeEach(async () => {
    api = await new ScriptedApi().start();
    clock = new SteppedClock();
    client = clientOf(api, clock);
    life = new AbortController();
    running = [];
  });

  afterEach(async () => {
    life.abort();
    await Promise.all(running);
    await client.close();
    await api.stop();
  });

  function start(namespaces: readonly string[] | undefined): KubeMetadataSource {
    const source = new KubeMetadataSource({
      client,
      resource: SECRETS,
      namespaces,
      clock,
      log: silentLogger,
      timing: { forbiddenRetryMs: 5_000 },
    });
    running.push(source.run(life.signal));
    return source;
  }

  it('asks for metadata alone, without what is never referred to, and keeps nothing but versions', async () => {
    const held = object('page', '5');
    api.next(json(200, list('9', [{ metadata: { ...held.metadata, annotations: LAST_APPLIED } }]))).otherwise(new Stream().answer);
    const source = start(undefined);
    expect(source.coverage('bots')).toBe('pending');
    await eventually(() => source.hasSynced());
    expect([source.coverage('bots'), source.resourceVersion(KEY), source.size]).toEqual(['watched', '5', 1]);
    const [seen] = api.seen;
    expect(seen?.headers.accept).toContain('as=PartialObjectMetadataList');
    expect(seen?.url.searchParams.get('fieldSelector')).toBe('type!=helm.sh/release.v1,type!=kubernetes.io/service-account-token');
  });

  it('covers the namespaces that it is told; objects of others are to be read by name', async () => {
    api.otherwise((response, seen) => {
      (seen.url.searchParams.has('watch') ? new Stream().answer : json(200, list('9', [])))(response, seen);
    });
    const source = start(['bots', 'shop']);
    await eventually(() => source.hasSynced());
    expect(['bots', 'shop', 'other'].map((namespace) => source.coverage(namespace))).toEqual(['watched', 'watched', 'polled']);
  });

  it('keeps one tenant from costing another its Secret, or the API server a read a second each', async () => {
    const mine = { metadata: { ...object('token', '5').metadata, namespace: 'shop' } };
    api.otherwise((response, seen) => {
      const { pathname, searchParams } = seen.url;
      if (pathname.endsWith('/shop/secrets/token')) json(200, { ...mine, data: { token: 'b25l' } })(response, seen);
      else if (pathname.includes('/evil/secrets/')) status(403, 'Forbidden')(response, seen);
      else (searchParams.has('watch') ? new Stream().answer : json(200, list('9', [mine])))(response, seen);
    });
    const source = start(['shop']);
    const fetch = fetchData(client, SECRETS);
    const data = new ReferencedData({ clock, log: silentLogger, source, fetch, graceMs: 60_000, maxRetained: 20 });
    data.start(life.signal);
    for (let i = 0; i < 60; i++) data.retain(`evil-${i}`, [{ namespace: 'evil', name: `none-${i}` }]);
    data.retain('victim', [{ namespace: 'shop', name: 'token' }]);

    await eventually(() => data.peek({ namespace: 'shop', name: 'token' }).kind === 'present');
    expect([data.size, data.beyondBound]).toEqual([20, 41]);
    await clock.settle(60_000, () => false);
    const refused = (): number => api.seen.filter(({ url }) => url.pathname.includes('/evil/secrets/')).length;
    const before = refused();
    await clock.settle(60_000, () => false);
    // 19 Secrets: each wait is twice the last one, and a minute by now.
    expect(refused() - before).toBeLessThanOrEqual(38);
  });

  it('does not wait for a single namespace whose Secrets may not be listed', async () => {
    api.otherwise((response, seen) => {
      const { pathname, searchParams } = seen.url;
      if (pathname.includes('/gone/')) status(403, 'Forbidden')(response, seen);
      else (searchParams.has('watch') ? new Stream().answer : json(200, list('9', [])))(response, seen);
    });
    const source = start(['bots', 'gone']);
    await eventually(() => source.hasSynced());
    expect(['bots', 'gone'].map((namespace) => source.coverage(namespace))).toEqual(['watched', 'polled']);
    expect(source.refusedScopes).toBe(1);
  });

  it('is not synced where listing is refused, but lets objects be read by name until it is granted', async () => {
    let granted = false;
    const answer: Answer = (response, seen) => {
      const { pathname, searchParams } = seen.url;
      if (pathname.endsWith('/page')) json(200, { ...object('page', '5'), data: { token: 'b25l' } })(response, seen);
      else if (!granted) status(403, 'Forbidden')(response, seen);
      else if (searchParams.has('watch')) new Stream().answer(response, seen);
      else json(200, list('9', [object('page', '5')]))(response, seen);
    };
    api.otherwise(answer);
    const source = start(undefined);
    const data = new ReferencedData({ clock, log: silentLogger, source, fetch: fetchData(client, SECRETS), graceMs: 60_000 });
    data.start(life.signal);
    data.retain('page', [KEY]);
    await eventually(() => source.coverage('bots') === 'polled' && data.peek(KEY).kind === 'present');
    expect(source.hasSynced()).toBe(false);

    granted = true;
    await clock.settle(20_000, () => source.hasSynced());
    expect(source.coverage('bots')).toBe('watched');
    const reads = api.seen.length;
    await clock.settle(60_000, () => false);
    expect(api.seen.slice(reads).filter(({ url }) => url.pathname.endsWith('/page'))).toEqual([]);
  });
});

describe('fetchData', () => {
  it('decodes Secrets and ConfigMaps, and tells gone from refused', async () => {
    const api = await new ScriptedApi().start();
    const client = clientOf(api, new SteppedClock());
    const { signal } = new AbortController();
    const metadata = { name: 'page', namespace: 'bots', uid: 'u', resourceVersion: '5', labels: { a: 'b' } };
    api.next(json(200, { metadata, type: 'Opaque', data: { token: Buffer.from('EAA…ü').toString('base64') } }));
    api.next(
      json(200, { metadata, data: { text: 'grün' }, binaryData: { raw: 'AAE=' } }),
      status(404, 'NotFound'),
      status(403, 'Forbidden'),
    );

    const secret = await fetchData(client, SECRETS)(KEY, signal);
    expect(secret).toMatchObject({ uid: 'u', resourceVersion: '5', type: 'Opaque', labels: { a: 'b' } });
    expect(Buffer.from(secret?.data.get('token') ?? []).toString()).toBe('EAA…ü');
    const configMap = await fetchData(client, CONFIG_MAPS)(KEY, signal);
    expect([...(configMap?.data ?? [])].map(([key, value]) => [key, [...value]])).toEqual([
      ['text', [...Buffer.from('grün')]],
      ['raw', [0, 1]],
    ]);
    expect(await fetchData(client, SECRETS)(KEY, signal)).toBeUndefined();
    await expect(fetchData(client, SECRETS)(KEY, signal)).rejects.toMatchObject({ name: 'ClusterUnavailableError' });
    await client.close();
    await api.stop();
  });
});
