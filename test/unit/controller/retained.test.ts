import { describe, expect, it } from '@jest/globals';
import type { MessengerPage } from '../../../src/api/v1alpha1/types.gen.js';
import { References } from '../../../src/relations/references.js';
import { anApp, aPage, aSettledWorld, aWorld, MAIN, SHOP, type World } from './support/world.js';

const SIGNED = { service: { name: 'bot', port: 5000 }, signingSecretRef: { name: 'sign' } };

const page = aPage({ backend: SIGNED }, { name: 'own-backend' });
const withDefaultBackend: MessengerPage = {
  metadata: { ...SHOP },
  spec: { pageId: '1002', appRef: { name: 'main' }, accessTokenSecretRef: { name: 'shop' } },
};
const app = anApp({
  previousAppSecretRef: { name: 'old' },
  verifyTokenRef: { name: 'verify' },
  pageDefaults: { backend: { ...SIGNED, signingSecretRef: { name: 'default-sign' } } },
});

/** What References of the controller's role retains of the objects in this world. */
function retainedIn({ pages, apps, namespaces, secrets }: World): () => ReadonlySet<string> {
  const stores = { pages: pages.store, apps: apps.store };
  new References({ roles: ['controller'], className: '', ...stores, namespaces, secrets, configMaps: undefined }).start();
  return () => new Set([...secrets.retained.values()].flat());
}

describe('The Secrets that passes read', () => {
  it('are all retained by References, so no controller needs to', async () => {
    const world = aWorld({ app, page });
    const retained = retainedIn(world);
    for (const name of ['old', 'verify', 'sign', 'default-sign']) {
      world.secrets.put(`bots/${name}`, { previousAppSecret: 'old-secret', verifyToken: 'verify-me', appSecret: 'sign-secret' });
    }
    world.pages.create(withDefaultBackend);
    await world.advance(5_000);
    world.pages.delete(SHOP);
    await world.settle();

    const read = ['bots/default-sign', 'bots/main', 'bots/old', 'bots/shop', 'bots/sign', 'bots/verify'];
    expect([...world.secrets.reads].sort()).toEqual(read);
    expect([...retained()].sort()).toEqual(read);
  });

  it('stay retained for a deleted page until it is gone', async () => {
    const world = await aSettledWorld();
    const retained = retainedIn(world);

    world.apps.delete(MAIN);
    expect(retained()).toContain('bots/shop');
    world.pages.delete(SHOP);
    await world.settle();

    expect(retained()).not.toContain('bots/shop');
  });
});
