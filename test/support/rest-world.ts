import { Balancer } from '../events/support/balancer.js';
import type { AuditEntry } from './control-plane-audit.js';
import { eventually } from './eventually.js';
import { ROLES, type OperatorOptions, type Role } from './operator.js';
import { accountOf, RELEASE } from './operator-chart.js';
import { grantClusterRole } from './page-manifests.js';
import { NAMESPACE, PageWorld, type PageAccount } from './page-world.js';
import { Replica } from './replica.js';

const BOT_ACCOUNT = 'resting-bot';
const MESSAGE_EVERY_MS = 100;
const ASK_EVERY_MS = 250;
/** Another token means another review. */
const ASKS_A_TOKEN = 20;
const WRITING = new Set(['create', 'update', 'patch', 'delete', 'deletecollection']);
/** Leases, and questions that the API server takes as objects to be made. */
const ALLOWED = new Set(['leases', 'tokenreviews', 'subjectaccessreviews']);

interface Sent {
  readonly mid: string;
  readonly status: number | undefined;
}

/** What went on while no object changed. */
export interface Rest {
  readonly seconds: number;
  /** Drift checks of pages at Graph. */
  readonly looks: number;
  readonly messages: number;
  /** Answers of the webhook other than 200, and messages that the bot did not get. */
  readonly notOk: readonly string[];
  /** POSTs that each webhook replica answered. */
  readonly byReplica: readonly number[];
  readonly asked: number;
  readonly refusedAnswers: readonly string[];
  /** `role verb resource` → requests, of the operator's accounts. */
  readonly requests: Readonly<Record<string, number>>;
  readonly writes: readonly string[];
  readonly graphWrites: readonly string[];
  /** Lines of level info and above. */
  readonly lines: readonly string[];
}

/**
 * Two controllers, of which one waits, two webhooks behind a balancer, the Pages API, and pages
 * that are in order.
 */
export class RestWorld {
  readonly world: PageWorld;
  readonly #pages: readonly PageAccount[];
  readonly #standby: Replica;
  readonly #webhook: Replica;
  readonly #balancer: Balancer;
  #sent = 0;

  private constructor(parts: {
    readonly world: PageWorld;
    readonly pages: readonly PageAccount[];
    readonly standby: Replica;
    readonly webhook: Replica;
    readonly balancer: Balancer;
  }) {
    this.world = parts.world;
    this.#pages = parts.pages;
    this.#standby = parts.standby;
    this.#webhook = parts.webhook;
    this.#balancer = parts.balancer;
  }

  static async start(pages: number, options: Partial<Pick<OperatorOptions, 'nodeFlags'>> = {}): Promise<RestWorld> {
    const world = await PageWorld.start(options);
    const { operator, sim, app } = world;
    const [standby, webhook] = await Promise.all([Replica.start(operator, 'controller'), Replica.start(operator, 'webhook')]);
    const isReady = (adminUrl: string) => async (): Promise<boolean> => (await fetch(`${adminUrl}/readyz`)).ok;
    const balancer = await Balancer.start([
      { port: Number(new URL(operator.webhookUrl).port), ready: isReady(operator.adminUrls.webhook) },
      { port: webhook.port, ready: isReady(webhook.adminUrl) },
    ]);
    const { fields = [] } = sim.control.appSubscription(app.appId) ?? {};
    const callbackUrl = `http://127.0.0.1:${balancer.port}${new URL(operator.webhookUrl).pathname}`;
    sim.control.setAppSubscription(app.appId, 'page', { callbackUrl, fields: fields.map(({ name }) => name) });
    await world.apply(
      { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: BOT_ACCOUNT, namespace: NAMESPACE } },
      grantClusterRole({ name: BOT_ACCOUNT, namespace: NAMESPACE }, `${RELEASE}-bot`, `${NAMESPACE}:${BOT_ACCOUNT}`),
    );
    const made = await Promise.all(Array.from({ length: pages }, (_, index) => world.readyPage(`resting-${index}`)));
    const rest = new RestWorld({ world, pages: made, standby, webhook, balancer });
    await rest.#comeToRest(callbackUrl);
    return rest;
  }

  async stop(): Promise<void> {
    await Promise.all([this.#standby.stop(), this.#webhook.stop(), this.#balancer.stop()]);
    await this.world.stop();
  }

  /**
   * Lets messages come in and a bot ask for its pages, for so long, and tells what the operator did
   * meanwhile.
   */
  async rest(ms: number): Promise<Rest> {
    const { cluster, sim } = this.world;
    const [entries, since] = [(await cluster.audit()).length, sim.control.calls().at(-1)?.seq ?? 0];
    const [logs, posts] = [await this.#outputs(), await this.#posts()];
    const began = performance.now();
    const [traffic, asked] = await Promise.all([this.#sendFor(ms), this.#askFor(ms)]);
    const own = (await cluster.audit()).slice(entries).filter(isOwn);
    const calls = sim.control.calls(since).filter(({ shape }) => shape === '/{page-id}/subscribed_apps');
    return {
      seconds: (performance.now() - began) / 1_000,
      ...traffic,
      ...asked,
      looks: calls.filter(({ method }) => method === 'GET').length,
      byReplica: (await this.#posts()).map((count, index) => count - (posts[index] ?? 0)),
      requests: countedBy(own),
      writes: own
        .filter(({ verb, objectRef }) => WRITING.has(verb) && !ALLOWED.has(objectRef?.resource ?? ''))
        .map(({ user, verb, requestURI }) => `${user.username} ${verb} ${requestURI}`),
      graphWrites: calls.filter(({ method }) => method !== 'GET').map(({ method, pageId }) => `${method} ${pageId ?? ''}`),
      lines: (await this.#outputs()).flatMap((text, index) => loudLines(text.slice(logs[index]?.length))),
    };
  }

  /** Everything knows every page, and the last write on the way there is done. */
  async #comeToRest(callbackUrl: string): Promise<void> {
    const { world } = this;
    await eventually(async () => {
      const { pages, subscription } = (await world.appObject(world.app.place))?.status ?? {};
      return pages?.ready === this.#pages.length && subscription?.callbackUrl === callbackUrl;
    }, 30_000);
    await eventually(async () => (await this.#sendFor(500)).notOk.length === 0, 30_000);
    const token = await this.#token();
    for (const page of this.#pages) await eventually(async () => (await this.#ask(page, token)) === 200);
  }

  /** Two at a time, so that the sender has a connection to each webhook. */
  async #sendFor(ms: number): Promise<Pick<Rest, 'messages' | 'notOk'>> {
    const end = performance.now() + ms;
    const sent: Sent[] = [];
    while (performance.now() < end) {
      sent.push(...(await Promise.all([this.#send(), this.#send()])));
      await new Promise((resolve) => setTimeout(resolve, MESSAGE_EVERY_MS));
    }
    const got = new Set(this.world.bot.mids());
    const bad = sent.filter(({ mid, status }) => status !== 200 || !got.has(mid));
    return { messages: sent.length, notOk: bad.map(({ mid, status }) => `${mid}: ${status ?? 'no answer'}`) };
  }

  async #send(): Promise<Sent> {
    const page = this.#pages[this.#sent % this.#pages.length];
    const mid = `m_rest_${++this.#sent}`;
    return { mid, status: await this.world.send(page?.pageId ?? '', mid) };
  }

  async #askFor(ms: number): Promise<Pick<Rest, 'asked' | 'refusedAnswers'>> {
    const end = performance.now() + ms;
    const refusedAnswers: string[] = [];
    let token = '';
    let asked = 0;
    for (; performance.now() < end; asked++) {
      if (asked % ASKS_A_TOKEN === 0) token = await this.#token();
      const page = this.#pages[asked % this.#pages.length];
      const status = page === undefined ? 0 : await this.#ask(page, token);
      if (status !== 200) refusedAnswers.push(`${page?.pageId ?? ''}: ${status}`);
      await new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS));
    }
    return { asked, refusedAnswers };
  }

  #token(): Promise<string> {
    return this.world.cluster.requestToken(NAMESPACE, BOT_ACCOUNT, { audiences: ['messenger-operator'] });
  }

  async #ask({ pageId }: PageAccount, token: string): Promise<number> {
    const url = `${this.world.operator.pagesApiUrl}/v1/pages/${pageId}/token`;
    const response = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
    await response.arrayBuffer();
    return response.status;
  }

  #outputs(): Promise<readonly string[]> {
    return Promise.all([...ROLES.map((role) => this.world.operator.output(role)), this.#standby.output(), this.#webhook.output()]);
  }

  async #posts(): Promise<readonly number[]> {
    const metrics = await Promise.all([
      this.world.operator.metrics('webhook'),
      fetch(`${this.#webhook.adminUrl}/metrics`).then((response) => response.text()),
    ]);
    return metrics.map((text) => Number(/^messenger_webhook_answers_total\{status="200"\} (\d+)/m.exec(text)?.[1] ?? 0));
  }
}

const ROLE_OF: ReadonlyMap<string, Role> = new Map(ROLES.map((role) => [accountOf(role), role]));

/** A request of ours, once: a watch counts when it begins, everything else when it is answered. */
function isOwn({ user, verb, stage }: AuditEntry): boolean {
  return ROLE_OF.has(user.username) && stage === (verb === 'watch' ? 'ResponseStarted' : 'ResponseComplete');
}

function countedBy(entries: readonly AuditEntry[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { user, verb, objectRef } of entries) {
    const resource = [objectRef?.resource, objectRef?.subresource].filter(Boolean).join('/');
    const key = `${ROLE_OF.get(user.username) ?? ''} ${verb} ${resource}`;
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}

function loudLines(text: string): readonly string[] {
  return text.split('\n').filter((line) => /"level":"(info|warn|error)"/.test(line));
}
