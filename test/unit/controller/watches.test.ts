import { describe, expect, it } from '@jest/globals';
import { anApp, aPage, aSettledWorld, MAIN, SHOP, World, type WorldOptions } from './support/world.js';

/** What the queues are told from now on. */
function listen(world: World): { readonly pages: readonly string[]; readonly apps: readonly string[] } {
  world.pageQueue.log.length = 0;
  world.appQueue.log.length = 0;
  return { pages: world.pageQueue.log, apps: world.appQueue.log };
}

async function atRest(options: WorldOptions = {}): Promise<World> {
  const world = await aSettledWorld(options);
  return world;
}

describe('what wakes a page', () => {
  it('is its own spec, before anything else', async () => {
    const world = await atRest();
    const told = listen(world);

    world.pages.update(SHOP, (page) => ({ ...page, spec: { ...page.spec, subscribedFields: ['messages'] } }));

    expect(told.pages).toEqual(['bots/shop change']);
  });

  it('is not its own status, but one that somebody else wrote', async () => {
    const world = await atRest();
    world.graph.setFields('1001', ['feed']);
    const told = listen(world);

    await world.reconcile();
    expect(told.pages).toEqual([]);
    world.pages.update(SHOP, (page) => ({ ...page, status: { ...page.status, pageName: 'forged' } }));

    expect(told.pages).toEqual(['bots/shop change']);
  });

  it('is not a label', async () => {
    const world = await atRest();
    const told = listen(world);

    world.pages.update(SHOP, (page) => ({ ...page, metadata: { ...page.metadata, labels: { a: 'b' } } }));

    expect(told.pages).toEqual([]);
  });

  it('is the Secret of its token, and only of pages that refer to it', async () => {
    const world = await atRest();
    world.pages.create(aPage({ pageId: '2002', accessTokenSecretRef: { name: 'other' } }, { name: 'other' }));
    const told = listen(world);

    world.secrets.put('bots/shop', { token: 'token-1' });

    expect(told.pages).toEqual(['bots/shop change']);
    expect(told.apps).toEqual([]);
  });

  it('is the signing Secret and the Service of its own backend', async () => {
    const world = await atRest();
    world.pages.update(SHOP, (page) => ({
      ...page,
      spec: { ...page.spec, backend: { service: { name: 'bot', port: 5000 }, signingSecretRef: { name: 'signing' } } },
    }));
    const told = listen(world);

    world.secrets.put('bots/signing', { appSecret: 'x' });
    world.services.apply({ metadata: { namespace: 'bots', name: 'bot', resourceVersion: '9' }, spec: { type: 'ExternalName' } });

    expect(told.pages).toEqual(['bots/shop change', 'bots/shop change']);
  });

  it('is the signing Secret and the Service of the backend that its app gives it', async () => {
    const world = await atRest();
    const backend = { service: { name: 'shared', port: 1 }, signingSecretRef: { name: 'signing' } };
    world.apps.update(MAIN, (app) => ({ ...app, spec: { ...app.spec, pageDefaults: { backend } } }));
    const told = listen(world);

    world.secrets.put('bots/signing', { appSecret: 'x' });
    world.services.apply({ metadata: { namespace: 'bots', name: 'shared', resourceVersion: '9' }, spec: { type: 'ClusterIP' } });

    expect(told.pages).toEqual(['bots/shop change', 'bots/shop change']);
  });

  it('is the spec of its app, but not how many pages that has', async () => {
    const world = await atRest();
    const told = listen(world);

    world.apps.update(MAIN, (app) => ({ ...app, status: { ...app.status, pages: { total: 9, ready: 9 } } }));
    expect(told.pages).toEqual([]);
    world.apps.update(MAIN, (app) => ({ ...app, spec: { ...app.spec, suspend: true } }));

    expect(told.pages).toEqual(['bots/shop change']);
  });

  it('is what its app is subscribed to', async () => {
    const world = await atRest();
    const told = listen(world);

    world.apps.update(MAIN, (app) => ({ ...app, status: { ...app.status, subscription: { fields: ['messages'] } } }));

    expect(told.pages).toEqual(['bots/shop retry']);
  });

  it('is another page of the same Page that comes, changes its claim or goes', async () => {
    const world = await atRest();
    const other = { namespace: 'bots', name: 'other' };
    const told = listen(world);
    world.pages.create(aPage({}, { name: 'other' }));
    expect(told.pages).toContain('bots/shop change');
    world.pageQueue.log.length = 0;
    world.pages.update(other, (page) => ({ ...page, status: { claim: { appId: '151', pageId: '1001', state: 'Waiting', epoch: 0 } } }));
    expect(told.pages).toContain('bots/shop change');
    world.pageQueue.log.length = 0;

    world.pages.delete(other);

    expect(told.pages).toContain('bots/shop change');
  });

  it('is the start of this process, behind all changes', async () => {
    const world = await atRest();

    world.restart();

    expect(world.pageQueue.log).toEqual(['bots/shop background']);
    expect(world.appQueue.log).toEqual(['bots/main background']);
  });

  it('is the start of this process, like a change, when it is being deleted', async () => {
    const world = await atRest();
    world.pages.delete(SHOP);

    world.restart();

    expect(world.pageQueue.log).toEqual(['bots/shop change']);
  });
});

describe('what wakes an app', () => {
  it('is its own spec and its Secrets', async () => {
    const world = await atRest();
    const told = listen(world);

    world.apps.update(MAIN, (app) => ({ ...app, spec: { ...app.spec, suspend: true } }));
    world.secrets.put('bots/main', { appSecret: 'app-secret', verifyToken: 'verify-me' });

    expect(told.apps).toEqual(['bots/main change', 'bots/main change']);
  });

  it('is a page of its that comes, or wants other fields', async () => {
    const world = await atRest();
    const told = listen(world);

    world.pages.create(aPage({ pageId: '2002' }, { name: 'other' }));
    world.pages.update(SHOP, (page) => ({ ...page, spec: { ...page.spec, subscribedFields: ['messages'] } }));

    expect(told.apps).toEqual(['bots/main retry', 'bots/main retry']);
  });

  it('is another app with its appId', async () => {
    const world = await atRest();
    const told = listen(world);

    world.apps.create(anApp({}, { name: 'other' }));

    expect(told.apps).toEqual(['bots/other change', 'bots/main change', 'bots/main change']);
  });

  it('is not its own status', async () => {
    const world = await atRest();
    world.graph.appRows.clear();
    await world.clock.advance(1_900_000);
    const told = listen(world);

    await world.reconcileApp();

    expect(world.appReady()).toBe('False/NotSubscribed');
    expect(told.apps).toEqual([]);
  });
});

describe('a cold start of many pages', () => {
  it('asks Graph twice a page and writes nothing where all is right', async () => {
    const world = new World();
    world.apps.create(anApp());
    for (let i = 0; i < 50; i++) {
      world.graph.addToken(`token-${i}-x`, String(3_000 + i));
      world.secrets.put(`bots/page-${i}`, { token: `token-${i}-x` });
      world.pages.create(aPage({ pageId: String(3_000 + i), accessTokenSecretRef: { name: `page-${i}` } }, { name: `page-${i}` }));
    }
    await world.settle();
    expect(world.pages.statusWrites).toHaveLength(100);
    await world.advance(5_000);
    expect(world.apps.require(MAIN).status?.pages).toEqual({ total: 50, ready: 50 });
    // Each page has had its first check, which reads the name of its Page.
    await world.advance(1_900_000);
    expect(world.pages.live.filter(({ status }) => status?.pageName === undefined)).toEqual([]);
    const before = { writes: world.graph.writes.length, statuses: world.pages.statusWrites.length, calls: world.graph.calls.length };

    world.restart();
    await world.settle();

    expect(world.graph.writes).toHaveLength(before.writes);
    expect(world.pages.statusWrites).toHaveLength(before.statuses);
    expect(world.graph.calls.length - before.calls).toBe(2 * 50 + 1);
  });
});
