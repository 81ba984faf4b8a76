import type { MessengerPage } from '../../src/api/v1alpha1/types.gen.js';
import type { CallRecord } from '../../src/simulator/model.js';
import type { AuditEntry } from './control-plane-audit.js';
import { eventually } from './eventually.js';
import { inParallel } from './in-parallel.js';
import { accountOf, RELEASE } from './operator-chart.js';
import { FIELDS, NAMESPACE, PageWorld, type PageAccount } from './page-world.js';
import { Replica } from './replica.js';

const LEASE = `/apis/coordination.k8s.io/v1/namespaces/${RELEASE}/leases/messenger-operator`;
const KINDS = `/apis/messenger-operator.dev/v1alpha1/namespaces/${NAMESPACE}`;
const AT_ONCE = 16;
/** As the chart has it, so that nothing but the hand-over brings work. */
const PRODUCTION_TIMES = ['--interval', '30m', '--min-interval', '5m', '--token-check-interval', '12h', '--log-level', 'info'];
/**
 * What Graph takes for each write that is under way when the leader is killed, and no more of them
 * than this.
 */
const SLOW_WRITE = { kind: 'slow', ms: 1_000 } as const;
const SLOW_WRITES = 5;
const FEW_FIELDS = ['messages', 'messaging_postbacks'];

export interface TakeoverOptions {
  readonly pages: number;
  /** For the second leader to make every page Ready. */
  readonly finishDeadlineMs: number;
}

/**
 * What was seen of a leader killed in the middle of its first pass. Times are counted from the
 * kill.
 */
export interface Takeover {
  readonly pages: number;
  /**
   * Pages that Graph had subscribed when the first leader was killed, and those of requests that it
   * was at then.
   */
  readonly writtenBefore: number;
  readonly writtenInFlight: number;
  readonly ledAfterMs: number;
  readonly readyAfterMs: number;
  /** How many POSTs of subscribed_apps a page got → pages. */
  readonly graphWrites: Readonly<Record<number, number>>;
  /** How many status writes a page got → pages. */
  readonly statusWrites: Readonly<Record<number, number>>;
  /** Pages whose row at Graph is not what their spec says. */
  readonly wrongAtGraph: readonly string[];
  readonly refusals: readonly string[];
}

/**
 * Two controllers, the lease's time as in production, and a leader that is killed when a third of
 * all pages is subscribed.
 */
export async function takeover(options: TakeoverOptions): Promise<Takeover> {
  const world = await PageWorld.start({ flags: { controller: PRODUCTION_TIMES, webhook: ['--log-level', 'info'] } });
  try {
    await eventually(
      async () => (await world.appObject(world.app.place))?.status?.conditions?.some(isReady),
      30_000,
      'the app being Ready',
    );
    await world.operator.end('controller');
    const pages = await makePages(world, options.pages);
    return await new Run(world, pages, options).run();
  } finally {
    await world.stop();
  }
}

interface Made extends PageAccount {
  readonly fields: readonly string[];
}

async function makePages(world: PageWorld, count: number): Promise<readonly Made[]> {
  const pages = Array.from({ length: count }, (_, index) => ({
    ...world.newPage(`page-${index}`),
    fields: index % 2 === 0 ? FIELDS : FEW_FIELDS,
  }));
  await inParallel(pages, AT_ONCE, async (page) => {
    const [secret, object] = world.pageManifests(page, { subscribedFields: [...page.fields] });
    await world.cluster.admin.create(`/api/v1/namespaces/${NAMESPACE}/secrets`, secret);
    await world.cluster.admin.create(`${KINDS}/messengerpages`, object);
  });
  return pages;
}

/** One process of the controller, whichever of the two it is. */
interface Candidate {
  output(): Promise<string>;
  kill(): Promise<void>;
}

class Run {
  readonly #world: PageWorld;
  readonly #pages: readonly Made[];
  readonly #options: TakeoverOptions;

  constructor(world: PageWorld, pages: readonly Made[], options: TakeoverOptions) {
    this.#world = world;
    this.#pages = pages;
    this.#options = options;
  }

  async run(): Promise<Takeover> {
    const { operator, sim } = this.#world;
    const since = sim.control.calls().at(-1)?.seq ?? 0;
    // No replica leads before both are ready: else the pass would be over before there is a second
    // one.
    await this.#setHolder('the test');
    await operator.start(['controller']);
    const replica = await Replica.start(operator, 'controller');
    try {
      const earlier = (await operator.output('controller')).length;
      const own = { output: async () => (await operator.output('controller')).slice(earlier), kill: () => operator.kill('controller') };
      await this.#setHolder('');
      const [leader, other] = await this.#whoLeads([own, replica]);
      return await this.#killed(leader, other, since);
    } finally {
      await replica.stop();
    }
  }

  async #killed(leader: Candidate, other: Candidate, since: number): Promise<Takeover> {
    const { sim } = this.#world;
    const third = Math.floor(this.#pages.length / 3);
    await eventually(() => writes(sim.control.calls(since)).length >= third, 120_000, 'a third of the pages being subscribed');
    // Written at Graph, and no process left to hear of it.
    const slow = sim.control.addFault({ operation: 'subscribed_apps', method: 'POST', effect: SLOW_WRITE, times: SLOW_WRITES });
    await eventually(() => slow.used > 0, 30_000, 'a write being under way');
    const killing = leader.kill();
    const killedMs = performance.now();
    await killing;
    const writtenBefore = writes(sim.control.calls(since)).length;
    await this.#whoLeads([other]);
    const ledAfterMs = performance.now() - killedMs;
    const writtenInFlight = writes(sim.control.calls(since)).length - writtenBefore;
    await this.#allReady();
    const readyAfterMs = performance.now() - killedMs;
    const posted = writes(sim.control.calls(since)).map(({ pageId }) => pageId ?? '');
    const statuses = (await this.#world.cluster.audit()).filter(isStatusWrite).map(({ objectRef }) => objectRef?.name ?? '');
    return {
      ...{ pages: this.#pages.length, writtenBefore, writtenInFlight, ledAfterMs, readyAfterMs },
      graphWrites: histogram(
        this.#pages.map(({ pageId }) => pageId),
        posted,
      ),
      statusWrites: histogram(
        this.#pages.map(({ place }) => place.name),
        statuses,
      ),
      wrongAtGraph: this.#wrongAtGraph(),
      refusals: await this.#world.refusals(),
    };
  }

  /** @returns the one that leads, then the others */
  async #whoLeads(candidates: readonly Candidate[]): Promise<readonly [Candidate, Candidate]> {
    return eventually(
      async () => {
        const leads = await Promise.all(candidates.map(async (one) => (await one.output()).includes('"became leader"')));
        const [leader] = candidates.filter((_, index) => leads[index]);
        return leader === undefined ? undefined : [leader, candidates.find((one) => one !== leader) ?? leader];
      },
      60_000,
      'a leading replica',
    );
  }

  async #setHolder(holderIdentity: string): Promise<void> {
    const leaseDurationSeconds = holderIdentity === '' ? 15 : 600;
    await this.#world.cluster.admin.patch(LEASE, { spec: { holderIdentity, leaseDurationSeconds } });
  }

  async #allReady(): Promise<void> {
    const { admin } = this.#world.cluster;
    const wanted = (app: { readonly ready?: number } | undefined): boolean => app?.ready === this.#pages.length;
    await eventually(
      async () => wanted((await this.#world.appObject(this.#world.app.place))?.status?.pages) || pause(),
      this.#options.finishDeadlineMs,
      'the app counting every page as Ready',
    );
    const unready = (await admin.list<MessengerPage>(`${KINDS}/messengerpages`)).filter(
      ({ metadata, status }) =>
        status?.observedGeneration !== metadata.generation || !(status?.conditions?.some((one) => isReady(one)) ?? false),
    );
    if (unready.length > 0) throw new Error(`${unready.length} pages are not Ready: ${JSON.stringify(unready[0]?.status)}`);
  }

  #wrongAtGraph(): readonly string[] {
    const rows = new Map(this.#world.sim.control.state().subscriptions.map(({ pageId, fields }) => [pageId, sorted(fields)]));
    return this.#pages.filter(({ pageId, fields }) => rows.get(pageId) !== sorted(fields)).map(({ place }) => place.name);
  }
}

function isReady({ type, status }: { readonly type: string; readonly status: string }): boolean {
  return type === 'Ready' && status === 'True';
}

/** Asking a server that is at work a hundred times a second would slow it. */
async function pause(): Promise<false> {
  await new Promise((resolve) => setTimeout(resolve, 250));
  return false;
}

function writes(calls: readonly CallRecord[]): readonly CallRecord[] {
  return calls.filter(({ method, shape, status }) => method === 'POST' && shape === '/{page-id}/subscribed_apps' && status === 200);
}

function isStatusWrite({ user, verb, objectRef, stage, responseStatus }: AuditEntry): boolean {
  const { resource, subresource } = objectRef ?? {};
  const right = verb === 'patch' && stage === 'ResponseComplete' && responseStatus?.code === 200;
  return right && user.username === accountOf('controller') && resource === 'messengerpages' && subresource === 'status';
}

/** How often a name is reported → how many of the names. */
function histogram(names: readonly string[], reported: readonly string[]): Readonly<Record<number, number>> {
  const counts = new Map(names.map((name) => [name, 0]));
  for (const name of reported) counts.set(name, (counts.get(name) ?? 0) + 1);
  const result: Record<number, number> = {};
  for (const count of counts.values()) result[count] = (result[count] ?? 0) + 1;
  return result;
}

function sorted(fields: readonly string[]): string {
  return [...fields].sort().join();
}
