import type { MessengerApp, MessengerPage } from '../../../src/api/v1alpha1/types.gen.js';
import type { PageRoute, RouteAnswer } from '../../../src/core/ports/page-lookup.js';
import { PageIndex } from '../../../src/routing/page-index.js';
import { anApp, aPage, aService, aWorld, decided } from './fakes.js';

/** A page index over one accepted app and one page that holds its claim. */
export function setUp(options: { readonly pages?: readonly MessengerPage[]; readonly apps?: readonly MessengerApp[] } = {}) {
  const world = aWorld();
  world.apps.replace(options.apps ?? [decided(anApp(), 'True')]);
  world.services.replace([aService()]);
  world.pages.replace(options.pages ?? [aPage()]);
  world.secrets.set('bots/main-app', { appSecret: 'current-secret', previousAppSecret: 'previous-secret', verifyToken: 'verify-me' });
  const index = new PageIndex(world);
  return { ...world, index, answer: () => told(index.route('77', '1001')) };
}

/** The answer in a word: `route namespace/name@epoch`, or kind and why. */
export function told(answer: RouteAnswer): string {
  if (answer.kind === 'route') return `route ${answer.route.owner.namespace}/${answer.route.owner.name}@${answer.route.epoch}`;
  return answer.kind === 'unknown' ? 'unknown' : `${answer.kind} ${answer.why}`;
}

/** The route of the page. @throws when there is none */
export function routeIn(index: PageIndex): PageRoute {
  const answer = index.route('77', '1001');
  if (answer.kind !== 'route') throw new Error(told(answer));
  return answer.route;
}

const other = { namespace: 'others' };
/** The page in another namespace than its app, with a signing Secret of its own. */
export const fromOther = (spec: Partial<MessengerPage['spec']> = {}) =>
  aPage({
    metadata: other,
    spec: {
      appRef: { name: 'main', namespace: 'bots' },
      backend: { service: { name: 'bot', port: 1 }, signingSecretRef: { name: 'sign' } },
      ...spec,
    },
  });
