import fc from 'fast-check';
import { describe, expect, it } from '@jest/globals';
import type { MessengerPage } from '../../../src/api/v1alpha1/types.gen.js';
import { PageIndex } from '../../../src/indexer/page-index.js';
import { anApp, aPage, aService, aWorld, decided, held } from './fakes.js';

type World = ReturnType<typeof aWorld>;
type Step = (world: World) => void;

const pageIds = ['1', '2'];
const appIds = ['77', '88'];

const aStep: fc.Arbitrary<Step> = fc.oneof(
  fc
    .record({
      name: fc.constantFrom('p', 'q', 'r'),
      namespace: fc.constantFrom('bots', 'others'),
      pageId: fc.constantFrom(...pageIds),
      claimed: fc.constantFrom(...pageIds),
      app: fc.constantFrom('main', 'second'),
      appId: fc.constantFrom(...appIds),
      state: fc.constantFrom('Held', 'Waiting', 'Refused', undefined),
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
        status: state === undefined ? {} : held(epoch, { appId, pageId: claimed, state }),
      });
      return ({ pages }) => {
        pages.apply(page);
      };
    }),
  fc.tuple(fc.constantFrom('p', 'q', 'r'), fc.constantFrom('bots', 'others')).map(([name, namespace]): Step => ({ pages }) => {
    pages.remove(aPage({ metadata: { name, namespace } }));
  }),
  fc
    .record({
      name: fc.constantFrom('main', 'second'),
      appId: fc.constantFrom(...appIds),
      from: fc.constantFrom('Same' as const, 'All' as const, 'Selector' as const),
      accepted: fc.constantFrom('True' as const, 'False' as const, undefined),
      className: fc.constantFrom('', 'blue'),
    })
    .map(({ name, appId, from, accepted, className }): Step => {
      const app = anApp(
        { appId, className, allowedNamespaces: { from, ...(from === 'Selector' ? { selector: { matchLabels: { team: 'a' } } } : {}) } },
        { name },
      );
      return ({ apps }) => {
        apps.apply(accepted === undefined ? app : decided(app, accepted, accepted === 'True' ? 'Accepted' : 'AppClaimed'));
      };
    }),
  fc.constantFrom('main', 'second').map((name): Step => ({ apps }) => {
    apps.remove(anApp({}, { name }));
  }),
  fc.constantFrom('a', 'b').map((team): Step => ({ namespaces }) => {
    namespaces.apply({ metadata: { name: 'others', labels: { team } } });
  }),
  fc
    .tuple(fc.constantFrom('bots', 'others'), fc.constantFrom(80, 81), fc.boolean())
    .map(([namespace, port, there]): Step => ({ services }) => {
      if (there) services.apply(aService('bot', { ports: [{ name: 'http', port }] }, namespace));
      else services.remove(aService('bot', {}, namespace));
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
    fc.assert(
      fc.property(fc.array(aStep, { maxLength: 40 }), (steps) => {
        const world = aWorld();
        const index = new PageIndex(world);
        for (const step of steps) {
          step(world);
          const fresh = new PageIndex(world);
          expect(said(index)).toEqual(said(fresh));
          fresh.close();
        }
      }),
      { numRuns: 300 },
    );
  });
});
