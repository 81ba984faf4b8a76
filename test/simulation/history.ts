import { APPS, PAGES } from '../../src/api/kinds.js';
import { keyOf } from '../../src/core/domain/object-key.js';
import { findCondition } from '../../src/runtime/conditions.js';
import { act } from './actions.js';
import { checkFinally, checkSoon } from './final.js';
import { heal, lagging, strike } from './faults.js';
import { believesDead, claimKey, goodToken, isHeld, pagesOf } from './truth.js';
import { Users } from './users.js';
import { World, type WorldOptions } from './world.js';

export interface Outcome {
  readonly violations: readonly string[];
  /** What happened in it: a history in which nothing does shows nothing. */
  readonly happened: {
    readonly graphWrites: number;
    readonly unsubscribes: number;
    readonly appWrites: number;
    readonly takeovers: number;
    readonly leftSubscribed: number;
    readonly leaders: number;
    /** Times that one began to lead while another still believed that it did. */
    readonly overlaps: number;
    /** Times that a webhook began to route a Page to another object, or to none. */
    readonly routed: number;
  };
}

const MINUTE_MS = 60_000;
/** Longer than the longest back-off of the queue. */
const SOON_MS = 8 * MINUTE_MS;
/** Longer than a claim outlives its token. */
const DEATH_MS = 11 * MINUTE_MS;
/** Longer than a drift check, a dead token's time, a restored row's; checks may be stretched. */
const lateMs = ({ pressure }: World): number => (pressure * 33 + 4) * MINUTE_MS;

/** One history from its seed to its end: users and faults, then peace, then what must hold. */
export async function runHistory(options: WorldOptions): Promise<Outcome> {
  const world = new World(options);
  const users = new Users(world);
  const over = (): boolean => world.oracle.violations.length > 0;
  await turmoil(world, users, over);
  const late = over() ? [] : await peace(world, users, over);
  for (const one of late) world.trace('VIOLATION', one);
  const { violations, graphWrites, unsubscribes, claims, apps, leftSubscribed } = world.oracle;
  const { leaders, overlaps, readers } = world;
  const routed = readers.reduce((sum, { routed }) => sum + routed, 0);
  const own = { graphWrites, unsubscribes, appWrites: apps.total, takeovers: claims.takeovers, leftSubscribed: leftSubscribed.size };
  const happened = { ...own, leaders, overlaps, routed };
  return { violations: [...violations, ...late], happened };
}

async function turmoil(world: World, users: Users, over: () => boolean): Promise<void> {
  const { random, clock } = world;
  world.graph.lagMs = lagging(world);
  if (random.chance(0.5)) users.setUp();
  for (let replicas = random.between(1, 2); replicas > 0; replicas--) world.startProcess();
  if (world.server.version === 0) users.setUp();
  if (random.chance(0.85)) await clock.run(random.between(4_000, 60_000), over);
  for (let steps = random.between(12, 45); steps > 0 && !over(); steps--) {
    if (random.chance(0.65)) act(world, users);
    else if (random.chance(0.9)) strike(world);
    else rotateUnseen(world, users);
    if (random.chance(0.7)) await clock.run(random.between(1, random.pick([50, 1_000, 10_000, 30_000])), over);
  }
}

/** A token is changed while the leader does not see the Secrets, and only its list tells later. */
function rotateUnseen(world: World, users: Users): void {
  world.leader?.caches.watches.at(-1)?.breakFor(world.random.between(500, 20_000));
  users.rotate();
}

async function peace(world: World, users: Users, over: () => boolean): Promise<readonly string[]> {
  const { clock } = world;
  heal(world);
  if (world.random.chance(0.06)) await neverHealed(world, users);
  await clock.run(SOON_MS, over);
  const soon = users.appsWereParked ? [] : checkSoon(world);
  if (soon.length > 0) return soon;
  if (world.random.chance(0.6)) await lateDeath(world, users, over);
  await clock.run(lateMs(world), over);
  const late = checkFinally(world);
  return late.length > 0 || world.graph.broken.size > 0 ? late : rest(world);
}

/**
 * One Page stays out of reach for good, and somebody deletes what there is of it: that must end all
 * the same.
 */
async function neverHealed(world: World, users: Users): Promise<void> {
  await world.clock.run(world.random.pick([1, MINUTE_MS]));
  users.breakPage();
  for (const page of pagesOf(world)) if (world.graph.broken.has(page.spec.pageId) && users.chance(0.7)) users.deletePage(page);
}

/**
 * The token of a holder dies when all has been well for long, and that is looked at; somebody else
 * is waiting for the claim.
 */
async function lateDeath(world: World, users: Users, over: () => boolean): Promise<void> {
  const pages = pagesOf(world).filter((page) => goodToken(world, page) !== undefined);
  const waits = (key: string | undefined): boolean => pages.some((page) => claimKey(page) === key && !isHeld(page));
  const holder = pages.find((page) => isHeld(page) && waits(claimKey(page)));
  if (holder === undefined) return;
  users.killToken(goodToken(world, holder));
  users.annotate(holder);
  await world.clock.run(DEATH_MS, over);
}

/**
 * Everything is looked at once more, by the leader that is and by a new one: nothing may be
 * written.
 */
async function rest(world: World): Promise<readonly string[]> {
  const { clock, oracle } = world;
  const writesAtGraph = (): number => oracle.graphWrites + oracle.apps.total;
  const before = { cluster: oracle.clusterWrites, graph: writesAtGraph() };
  const quiet = (who: string): readonly string[] => {
    const cluster = oracle.clusterWrites - before.cluster;
    const graph = writesAtGraph() - before.graph;
    return cluster + graph === 0 ? [] : [`not_silent: ${who} writes ${cluster} times to the cluster and ${graph} times to Graph`];
  };
  if (!lookAtAll(world)) return ['no_leader: nobody leads'];
  await clock.run(MINUTE_MS);
  const again = quiet('a further pass');
  if (again.length > 0) return again;
  // A token that died without a word is found out by the next leader's first look.
  // And of a verify token no leader knows whether an earlier one has wanted to set it.
  if (pagesOf(world).some((page) => believesDead(world, page)) || awaitsVerifyToken(world)) return [];
  world.leader?.host.crash();
  await clock.run(2 * MINUTE_MS);
  return quiet('a new leader');
}

function awaitsVerifyToken({ server }: World): boolean {
  const said = server.list('messengerapps').map(({ status }) => findCondition(status?.conditions, 'Subscribed')?.message);
  return said.some((message) => message?.includes('the verify token has changed') === true);
}

/** Puts every object into the leader's queues. @returns false where nobody leads */
function lookAtAll(world: World): boolean {
  const leader = world.leader?.leader;
  for (const page of pagesOf(world)) leader?.queue(PAGES.singular)?.add(keyOf(page));
  for (const app of world.server.list('messengerapps')) leader?.queue(APPS.singular)?.add(keyOf(app));
  return leader !== undefined;
}
