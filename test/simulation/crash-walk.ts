import type { MessengerPage } from '../../src/api/v1alpha1/types.gen.js';
import type { NamespacedName } from '../../src/core/domain/object-key.js';
import { checkFinally } from './final.js';
import type { Host } from './host.js';
import { Users } from './users.js';
import { World } from './world.js';

/** The call at which the process that makes it ends, and whether it still has its effect. */
export interface CrashAt {
  readonly call: number;
  readonly applied: boolean;
}

export interface Life {
  readonly violations: readonly string[];
  /** Calls until the scenario was over. */
  readonly calls: number;
}

const FIRST: NamespacedName = { namespace: 'bots', name: 'first' };
const SECOND: NamespacedName = { namespace: 'tenant', name: 'second' };
const STEP_MS = 45_000;
const END_MS = 4 * 60_000;

/**
 * The life of two objects for one Page: the first is subscribed, changed, given another token, and
 * handed over to the second, which is unsubscribed with its app. Nothing goes wrong but one crash,
 * at exactly this call; `undefined`: not even that.
 */
export async function live(crash: CrashAt | undefined): Promise<Life> {
  let calls = 0;
  const fate = (host: Host): 'before' | 'applied' | undefined => {
    if (!host.name.startsWith('controller')) return undefined;
    calls += 1;
    if (calls !== crash?.call) return undefined;
    return crash.applied ? 'applied' : 'before';
  };
  const world = new World({ seed: 1, fate });
  const users = new Users(world);
  const over = (): boolean => world.oracle.violations.length > 0;
  for (const step of stepsOf(world, users)) {
    step();
    await world.clock.run(STEP_MS, over);
  }
  const counted = calls;
  await world.clock.run(END_MS, over);
  return { violations: [...world.oracle.violations, ...(over() ? [] : checkFinally(world)), ...leftOf(world)], calls: counted };
}

function stepsOf(world: World, users: Users): readonly (() => void)[] {
  const app = { namespace: 'bots', name: 'main' };
  return [
    () => {
      users.makeRoom();
      users.createApp(app, '151');
      create(users, FIRST);
      create(users, SECOND);
      world.startProcess();
      world.startProcess();
    },
    () => {
      users.editPage(() => ({ subscribedFields: ['feed', 'messages'] }), world.server.get('messengerpages', FIRST));
    },
    () => {
      users.putToken(FIRST, '1001', true);
    },
    () => {
      users.deletePage(world.server.get('messengerpages', FIRST));
    },
    () => {
      users.deletePage(world.server.get('messengerpages', SECOND));
      users.deleteApp(world.server.get('messengerapps', app));
    },
  ];
}

function create(users: Users, key: NamespacedName): void {
  const spec: MessengerPage['spec'] = {
    pageId: '1001',
    appRef: { name: 'main', namespace: 'bots' },
    accessTokenSecretRef: { name: `token-${key.name}` },
    subscribedFields: ['messages'],
    backend: { service: { name: 'bot', port: 5000 }, signingSecretRef: { name: 'signing' } },
  };
  users.createPage(key, { spec });
}

/** In the end there is nothing left, in the cluster or at Graph. */
function leftOf({ server, graph }: World): readonly string[] {
  const objects = [...server.list('messengerpages'), ...server.list('messengerapps')].map(({ metadata }) => metadata.name);
  return [...objects, ...graph.rows.keys()].map((one) => `left: ${one} is still there`);
}
