import fc from 'fast-check';
import { describe, expect, it } from '@jest/globals';
import type { MessengerPage } from '../../../src/api/v1alpha1/types.gen.js';
import type { KubeObject } from '../../../src/api/meta.js';
import { keyOf, type NamespacedName } from '../../../src/core/domain/object-key.js';
import { PageIndex } from '../../../src/routing/page-index.js';
import type { Store } from '../../../src/runtime/store.js';
import { anApp, aPage, aService, aWorld, decided, held } from './fakes.js';

type World = ReturnType<typeof aWorld>;
type Step = (world: World) => void;

const pageIds = ['1', '2'];
const appIds = ['77', '88'];

function usualAppId(app: string): string {
  return app === 'main' ? '77' : '88';
}

let versions = 0;

/** As the API server does it: a new object has a new uid, a change a new version. */
function put<T extends KubeObject>(store: Store<T>, object: T): void {
  versions += 1;
  const uid = store.get(keyOf(object))?.metadata.uid ?? `uid-${versions}`;
  store.apply({ ...object, metadata: { ...object.metadata, uid, resourceVersion: String(versions) } });
}

function takeOut<T extends KubeObject>(store: Store<T>, key: NamespacedName): void {
  const object = store.get(key);
  if (object !== undefined) store.remove(object);
}

/** Everything there that a route needs. */
function prepared(): World {
  const world = aWorld();
  world.apps.replace([
    decided(anApp({ allowedNamespaces: { from: 'All' } }), 'True'),
    decided(anApp({ appId: '88' }, { name: 'second' }), 'True'),
  ]);
  world.services.replace([aService('bot'), aService('bot', undefined, 'others')]);
  world.namespaces.replace([{ metadata: { name: 'others', labels: { team: 'a' } } }]);
  world.secrets.set('bots/main-app', { appSecret: 'secret-one' });
  for (const key of ['bots/sign', 'others/sign']) world.secrets.set(key, { appSecret: 'signing-secret' });
  return world;
}

const aPageStep: fc.Arbitrary<Step> = fc
  .record({
    name: fc.constantFrom('p', 'q', 'r'),
    namespace: fc.constantFrom('bots', 'others'),
    pageId: fc.constantFrom(...pageIds),
    // Mostly a claim that fits, or hardly any history would lead to a route.
    claimed: fc.constantFrom(null, null, null, null, ...pageIds),
    app: fc.constantFrom('main', 'second'),
    appId: fc.constantFrom(null, null, null, null, ...appIds),
    state: fc.constantFrom('Held', 'Held', 'Held', 'Waiting', 'Refused', undefined),
    epoch: fc.integer({ min: 1, max: 3 }),
    port: fc.constantFrom(80, 'http'),
    signs: fc.boolean(),
  })
  .map(({ name, namespace, pageId, claimed, app, appId, state, epoch, port, signs }): Step => {
    const page: MessengerPage = aPage({
      metadata: { name, namespace },
      spec: {
        pageId,
        appRef: { name: app, namespace: 'bots' },
        backend: { service: { name: 'bot', port }, ...(signs ? { signingSecretRef: { name: 'sign' } } : {}) },
      },
      status: state === undefined ? {} : held(epoch, { appId: appId ?? usualAppId(app), pageId: claimed ?? pageId, state }),
    });
    return ({ pages }) => {
      put(pages, page);
    };
  });

const aStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: aPageStep },
  fc.tuple(fc.constantFrom('p', 'q', 'r'), fc.constantFrom('bots', 'others')).map(([name, namespace]): Step => ({ pages }) => {
    takeOut(pages, { namespace, name });
  }),
  fc
    .record({
      name: fc.constantFrom('main', 'second'),
      appId: fc.constantFrom(null, null, null, null, ...appIds),
      from: fc.constantFrom('Same' as const, 'All' as const, 'Selector' as const),
      accepted: fc.constantFrom('True' as const, 'True' as const, 'False' as const, undefined),
      className: fc.constantFrom('', '', 'blue'),
    })
    .map(({ name, appId, from, accepted, className }): Step => {
      const app = anApp(
        {
          appId: appId ?? usualAppId(name),
          className,
          allowedNamespaces: { from, ...(from === 'Selector' ? { selector: { matchLabels: { team: 'a' } } } : {}) },
        },
        { name },
      );
      return ({ apps }) => {
        put(apps, accepted === undefined ? app : decided(app, accepted, accepted === 'True' ? 'Accepted' : 'AppClaimed'));
      };
    }),
  fc.constantFrom('main', 'second').map((name): Step => ({ apps }) => {
    takeOut(apps, { namespace: 'bots', name });
  }),
  fc.constantFrom('a', 'b').map((team): Step => ({ namespaces }) => {
    put(namespaces, { metadata: { name: 'others', labels: { team } } });
  }),
  fc
    .tuple(fc.constantFrom('bots', 'others'), fc.constantFrom(80, 80, 80, 81), fc.boolean())
    .map(([namespace, port, there]): Step => ({ services }) => {
      if (there) put(services, aService('bot', { ports: [{ name: 'http', port }] }, namespace));
      else takeOut(services, { namespace, name: 'bot' });
    }),
  fc
    .tuple(fc.constantFrom('bots/sign', 'others/sign', 'bots/main-app'), fc.constantFrom('one', 'two', undefined))
    .map(([key, value]): Step => ({ secrets }) => {
      secrets.set(key, value === undefined ? undefined : { appSecret: value });
    }),
);

/** Everything that the index says, with secrets revealed. */
function said(index: PageIndex): unknown {
  const routes = appIds.flatMap((appId) =>
    pageIds.map((pageId) => {
      const answer = index.route(appId, pageId);
      return answer.kind === 'route'
        ? { ...answer.route, accepts: undefined, signingSecret: answer.route.signingSecret?.reveal() }
        : answer;
    }),
  );
  const apps = index.appsOnPath('/webhooks/messenger').map((app) => ({ ...app, appSecrets: app.appSecrets.map((one) => one.reveal()) }));
  return { routes, apps };
}

describe('PageIndex', () => {
  it('after any history says what an index made from the same objects says', () => {
    let routed = 0;
    fc.assert(
      fc.property(fc.array(aStep, { minLength: 10, maxLength: 40, size: 'max' }), (steps) => {
        const world = prepared();
        const index = new PageIndex(world);
        for (const step of steps) {
          step(world);
          const fresh = new PageIndex(world);
          expect(said(index)).toEqual(said(fresh));
          routed += appIds.filter((appId) => index.route(appId, '1').kind === 'route').length;
          fresh.close();
        }
      }),
      { numRuns: 300 },
    );
    // The histories are about something.
    expect(routed).toBeGreaterThan(200);
  });
});
