import type { MessengerApp, MessengerPage } from '../../../src/api/v1alpha1/types.gen.js';
import { tokenFingerprint } from '../../../src/core/secrets/fingerprint.js';
import { Secret } from '../../../src/core/secrets/secret.js';
import { eventually } from '../../support/eventually.js';
import { ROLES, type Role } from '../../support/operator.js';
import { NAMESPACE } from '../../support/page-world.js';
import { isReady, type FaultWorld } from './fault-world.js';
import { readServer, WATCHERS, type ServerState } from './kinds.js';
import { objectsFor } from './mirrors.js';
import { cacheSeries, readMetrics } from './process-metrics.js';
import type { Writes } from './writes.js';

const POLL_MS = 150;
const SHOWN = 4;
const LAST_WORDS = 8;
const ROUTED_DEADLINE_MS = 20_000;

/** When each part was right again, in ms after the call. */
export interface Converged {
  /** Every store equals the server, object by object. */
  readonly storesMs: number;
  /** Graph, statuses, routes and the Pages API too. */
  readonly allMs: number;
  /** What was still wrong at the deadline; empty: nothing. */
  readonly wrong: readonly string[];
}

/**
 * Waits until everything is as the specs say, at most for `deadlineMs`. Never throws for what is
 * wrong.
 */
export async function converged(faults: FaultWorld, writes: Writes, deadlineMs: number): Promise<Converged> {
  const began = performance.now();
  let storesMs = Infinity;
  for (;;) {
    const ended = await endedRoles(faults);
    if (ended.length > 0) return { storesMs, allMs: Infinity, wrong: ended };
    // A server that has just come up may answer 429 while it fills its own caches.
    const server = await readServer(faults.world.cluster.admin).catch(String);
    const stores = typeof server === 'string' ? [server] : await storeDifferences(faults, server);
    if (stores.length === 0) storesMs = Math.min(storesMs, performance.now() - began);
    const wrong = [...stores];
    if (typeof server !== 'string') {
      wrong.push(...graphDifferences(faults, writes, server), ...statusDifferences(faults, writes, server));
      wrong.push(...(await leftAtGraph(faults, writes)));
    }
    if (wrong.length === 0) wrong.push(...(await edgeDifferences(faults, writes)));
    const allMs = performance.now() - began;
    if (wrong.length === 0) return { storesMs, allMs, wrong };
    if (allMs > deadlineMs) return { storesMs, allMs, wrong: await withLog(faults, wrong.slice(0, SHOWN)) };
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** Each with what the controller said last of the page that it is about. */
async function withLog({ world: { operator } }: FaultWorld, wrong: readonly string[]): Promise<readonly string[]> {
  const lines = (await operator.output('controller')).split('\n');
  return wrong.map((text) => {
    const [name = text] = text.split(' ');
    const said = lines.filter((line) => line.includes(`/${name}"`)).slice(-LAST_WORDS);
    return [text, ...said].join('\n');
  });
}

/** Processes that are no more, with their last words. */
async function endedRoles({ world: { operator } }: FaultWorld): Promise<readonly string[]> {
  const ended = ROLES.filter((role) => !operator.running(role));
  const words = async (role: Role): Promise<string> => (await operator.output(role)).trimEnd().split('\n').slice(-LAST_WORDS).join(' ');
  return Promise.all(ended.map(async (role) => `the ${role} has ended: ${await words(role)}`));
}

/** The mirrors hold what the server has; the processes hold as many objects. */
async function storeDifferences({ mirrors, world }: FaultWorld, server: ServerState): Promise<string[]> {
  const metrics = await readMetrics(world.operator);
  const sizes = WATCHERS.flatMap((watcher) => {
    const [wanted, held] = [objectsFor(server, watcher).length, metrics.get(cacheSeries(watcher.role, watcher.kind))];
    return wanted === held ? [] : [`the ${watcher.role} process holds ${held} ${watcher.kind} instead of ${wanted}`];
  });
  return [...mirrors.differences(server, WATCHERS), ...sizes];
}

function graphDifferences({ world }: FaultWorld, writes: Writes, server: ServerState): string[] {
  const rows = new Map(world.sim.control.state().subscriptions.map(({ pageId, fields }) => [pageId, [...fields].sort().join()]));
  const defaults = (server.messengerapps as readonly MessengerApp[]).find(({ metadata }) => metadata.name === world.app.place.name);
  const wrong = (server.messengerpages as readonly MessengerPage[])
    .filter(({ metadata }) => writes.isToBeReady(metadata.namespace ?? ''))
    .flatMap(({ metadata, spec }) => {
      const wanted = [...(spec.subscribedFields ?? defaults?.spec.pageDefaults?.subscribedFields ?? [])].sort().join();
      return rows.get(spec.pageId) === wanted ? [] : [`${metadata.name} has ${rows.get(spec.pageId)} at Graph instead of ${wanted}`];
    });
  return wrong;
}

/**
 * A leader that is new does not know the token of a page whose Secret is gone; then it has to say
 * what it left behind.
 */
async function leftAtGraph({ world: { sim, operator } }: FaultWorld, writes: Writes): Promise<readonly string[]> {
  const rows = new Set(sim.control.state().subscriptions.map(({ pageId }) => pageId));
  const left = writes.gone.filter(({ pageId }) => rows.has(pageId));
  if (left.length === 0) return [];
  const lines = (await operator.output('controller')).split('\n');
  const hasNewLeader = lines.filter((line) => line.includes('"reconciling"')).length > 1;
  const isTold = (name: string): boolean =>
    lines.some((line) => line.includes('released a page that may still be subscribed') && line.includes(`/${name}"`));
  return left.flatMap(({ place }) => (hasNewLeader && isTold(place.name) ? [] : [`${place.name} is deleted and still at Graph`]));
}

function statusDifferences({ special }: FaultWorld, writes: Writes, server: ServerState): string[] {
  const pages = server.messengerpages as readonly MessengerPage[];
  const wrong = pages.filter((page) => isReady(page) !== writes.isToBeReady(page.metadata.namespace ?? '')).map(said);
  // A page without the app's consent is none of the app's.
  const mine = pages.filter(({ metadata }) => writes.isToBeReady(metadata.namespace ?? '')).length;
  const counts = (server.messengerapps as readonly MessengerApp[])
    .filter(({ status }) => status?.pages?.total !== mine || status.pages.ready !== mine)
    .map(({ status }) => `the app counts ${JSON.stringify(status?.pages)} instead of ${mine}`);
  const gone = new Set(writes.gone.map(({ place }) => place.name));
  const left = pages.filter(({ metadata }) => gone.has(metadata.name)).map(({ metadata }) => `${metadata.name} is deleted and still there`);
  const rotated = pages.find(({ metadata }) => metadata.name === special.rotated.place.name);
  const fingerprint = tokenFingerprint(rotated?.metadata.uid ?? '', new Secret('page-token', writes.rotatedToken));
  const token = rotated?.status?.token?.fingerprint === fingerprint ? [] : ['the rotated token is not the proven one'];
  return [...wrong, ...counts, ...left, ...token];
}

function said({ metadata, status }: MessengerPage): string {
  const { status: ready, reason, message } = status?.conditions?.find(({ type }) => type === 'Ready') ?? {};
  const seen = `generation ${status?.observedGeneration ?? 'none'} of ${metadata.generation}`;
  return `${metadata.name} is Ready=${ready} ${reason}: ${message} (${seen})`;
}

/** Webhook and Pages API act on what is true now. */
async function edgeDifferences({ world, special, movingBots }: FaultWorld, writes: Writes): Promise<string[]> {
  const wrong: string[] = [];
  const attempt = async (what: string, act: () => Promise<unknown>): Promise<void> => {
    await act().catch((error: unknown) => wrong.push(`${what}: ${String(error)}`));
  };
  const [newest, bot] = [writes.made.at(-1), movingBots[writes.movingPort]];
  if (newest !== undefined) await attempt('the newest page', () => world.reaches(newest.pageId, world.bot));
  if (bot !== undefined) await attempt('the page whose Service changed', () => world.reaches(special.moving.pageId, bot));
  await attempt('the page whose settings changed', () =>
    eventually(async () => {
      const { body } = await world.askApi(`/v1/pages/${special.configured.pageId}`, NAMESPACE, 'bot');
      return (body as { readonly botConfig?: { readonly value?: number } }).botConfig?.value === writes.config;
    }, ROUTED_DEADLINE_MS),
  );
  await attempt('the page whose token changed', () =>
    eventually(async () => {
      const { body } = await world.askApi(`/v1/pages/${special.rotated.pageId}/token`, NAMESPACE, 'bot');
      return (body as { readonly access_token?: string }).access_token === writes.rotatedToken;
    }, ROUTED_DEADLINE_MS),
  );
  return wrong;
}
