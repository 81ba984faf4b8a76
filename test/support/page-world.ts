import { randomBytes } from 'node:crypto';
import type { MessengerPageSpec, MessengerAppSpec, MessengerPage, MessengerApp } from '../../src/api/v1alpha1/types.gen.js';
import { startSimulator, type RunningSimulator } from '../../src/simulator/simulator.js';
import { RecordingBot } from './bot-server.js';
import { startControlPlane, type ControlPlane, type KubeconfigTarget } from './control-plane.js';
import { eventually } from './eventually.js';
import { startOperator, type Operator, type OperatorOptions } from './operator.js';
import { accountOf } from './operator-chart.js';
import { messengerApp, messengerPage, namespaceNamed, secret, service, type Manifest, type Place } from './page-manifests.js';

export const NAMESPACE = 'bots';
export const FIELDS = ['messages', 'messaging_postbacks', 'messaging_optins', 'messaging_referrals', 'messaging_policy_enforcement'];
const BOT = 'clinic-bot';
const KINDS = '/apis/messenger-operator.dev/v1alpha1';

/** Facebook's side of an app, and the values of its Secret. */
export interface AppAccount {
  readonly place: Place;
  readonly appId: string;
  readonly appSecret: string;
  readonly verifyToken: string;
}

/** Facebook's side of a Page, and the token made for it. */
export interface PageAccount {
  readonly place: Place;
  readonly pageId: string;
  readonly token: string;
  readonly alias: string;
}

interface KubeEvent {
  readonly type: string;
  readonly reason: string;
  readonly note: string;
  readonly regarding: { readonly name?: string };
}

export interface WorldOptions extends Partial<Pick<OperatorOptions, 'flags' | 'nodeFlags' | 'secretNamespaces' | 'services'>> {
  /** Puts something between the operator and the API server. */
  readonly through?: (cluster: ControlPlane) => Promise<KubeconfigTarget>;
  /** false: no kube-controller-manager, without which the servers restart sooner. */
  readonly controllerManager?: boolean;
  /** Of the first app, where something made before the world needs it; random if not given. */
  readonly appSecret?: string;
  /** `namespace/name:port` of further Services that lead to the world's bot. */
  readonly alsoServedByBot?: readonly string[];
}

/**
 * An API server, Graph, a bot that knows the app's secret, the operator between them, and an app
 * that is accepted.
 */
export class PageWorld {
  readonly cluster: ControlPlane;
  readonly sim: RunningSimulator;
  readonly bot: RecordingBot;
  readonly operator: Operator;
  readonly app: AppAccount;
  #pages = 0;
  #apps = 0;

  private constructor(parts: WorldParts) {
    this.cluster = parts.cluster;
    this.sim = parts.sim;
    this.bot = parts.bot;
    this.operator = parts.operator;
    this.app = this.newApp('main', parts.appSecret);
  }

  /** Takes some ten seconds. Call {@link stop} at the end. */
  static async start({ through, controllerManager = true, alsoServedByBot = [], ...options }: WorldOptions = {}): Promise<PageWorld> {
    const { appSecret = randomBytes(16).toString('hex') } = options;
    const [cluster, sim, bot] = await Promise.all([
      startControlPlane({ controllerManager }),
      startSimulator(),
      RecordingBot.start(appSecret),
    ]);
    try {
      await cluster.admin.apply(namespaceNamed(NAMESPACE));
      const own = [`${NAMESPACE}/${BOT}:5000`, ...alsoServedByBot].map((key) => [key, bot.port] as const);
      const services = { ...Object.fromEntries(own), ...options.services };
      const target = through === undefined ? {} : { target: await through(cluster) };
      const operator = await startOperator({ secretNamespaces: [NAMESPACE], ...options, ...target, cluster, sim, services });
      const world = new PageWorld({ cluster, sim, bot, operator, appSecret });
      await world.apply(service({ name: BOT, namespace: NAMESPACE }), ...world.appManifests(world.app));
      return world;
    } catch (error) {
      await Promise.all([cluster.stop(), sim.stop(), bot.stop()]);
      throw error;
    }
  }

  async stop(): Promise<void> {
    await this.operator.stop();
    await Promise.all([this.cluster.stop(), this.sim.stop(), this.bot.stop()]);
  }

  /** Makes an app at Facebook whose webhook is the operator's. */
  newApp(name: string, appSecret = randomBytes(16).toString('hex')): AppAccount {
    const appId = String(1_517_776_481_860_110n + BigInt(++this.#apps));
    this.sim.control.makeApp({ id: appId, secret: appSecret, name, requireProof: true });
    const callbackUrl = this.operator.webhookUrl;
    this.sim.control.setAppSubscription(appId, 'page', { callbackUrl, fields: [...FIELDS, 'standby', 'feed', 'message_reads'] });
    return { place: { name, namespace: NAMESPACE }, appId, appSecret, verifyToken: randomBytes(16).toString('hex') };
  }

  /** Makes a Page at Facebook with a token of the app. */
  newPage(name: string, { namespace = NAMESPACE, appId = this.app.appId } = {}): PageAccount {
    const pageId = String(104_500_000_000_000n + BigInt(++this.#pages));
    this.sim.control.makePage({ id: pageId, name: `Page ${name}` });
    const alias = `${name}-1`;
    return { place: { name, namespace }, pageId, alias, token: this.newToken(pageId, alias, appId) };
  }

  newToken(pageId: string, alias: string, appId = this.app.appId): string {
    return this.sim.control.makeToken({ alias, type: 'PAGE', appId, pageId });
  }

  appManifests({ place, appId, appSecret, verifyToken }: AppAccount, spec: Partial<MessengerAppSpec> = {}): readonly Manifest[] {
    return [secret(place, { appSecret, verifyToken }), messengerApp(place, { appId, ...spec })];
  }

  /** The page and the Secret with its token. Its bot is the world's. */
  pageManifests({ place, pageId, token }: PageAccount, spec: Partial<MessengerPageSpec> = {}): readonly Manifest[] {
    const rest = { appRef: { name: this.app.place.name }, backend: { service: { name: BOT, port: 5000, path: '/bot' } } };
    return [secret(place, { token }), messengerPage(place, { pageId, ...rest, ...spec })];
  }

  async apply(...objects: readonly Manifest[]): Promise<void> {
    for (const object of objects) await this.cluster.admin.apply(object);
  }

  /** Runs kubectl as the admin. @throws for a code other than 0 */
  async kubectl(args: readonly string[], objects: readonly Manifest[] = []): Promise<string> {
    const stdin = objects.map((object) => JSON.stringify(object)).join('\n---\n');
    const { code, stdout, stderr } = await this.cluster.kubectl(args, { stdin });
    if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`);
    return stdout;
  }

  /** A page's path at the API server. */
  path({ namespace, name }: Place): string {
    return `${KINDS}/namespaces/${namespace}/messengerpages/${name}`;
  }

  page(place: Place): Promise<MessengerPage | undefined> {
    return this.cluster.admin.find<MessengerPage>(this.path(place));
  }

  appObject({ namespace, name }: Place): Promise<MessengerApp | undefined> {
    return this.cluster.admin.find<MessengerApp>(`${KINDS}/namespaces/${namespace}/messengerapps/${name}`);
  }

  patchApp({ namespace, name }: Place, spec: unknown): Promise<MessengerApp> {
    return this.cluster.admin.patch<MessengerApp>(`${KINDS}/namespaces/${namespace}/messengerapps/${name}`, { spec });
  }

  patchPage(place: Place, spec: unknown): Promise<MessengerPage> {
    return this.cluster.admin.patch<MessengerPage>(this.path(place), { spec });
  }

  /**
   * Waits until a condition of the present generation is as given; `reason` too if given. @returns
   * its message
   */
  async condition(place: Place, type: string, wanted: { status: string; reason?: string }, deadlineMs = 15_000): Promise<string> {
    const holds = (page: MessengerPage): boolean => {
      const found = page.status?.conditions?.find((condition) => condition.type === type);
      const right = found?.status === wanted.status && (wanted.reason === undefined || found.reason === wanted.reason);
      return right && page.status?.observedGeneration === page.metadata.generation;
    };
    const page = await this.cluster.admin.waitFor<MessengerPage>(this.path(place), holds, deadlineMs);
    return page.status?.conditions?.find((condition) => condition.type === type)?.message ?? '';
  }

  /** Applies a new page with its Secret and waits until it is Ready. */
  async readyPage(name: string, spec: Partial<MessengerPageSpec> = {}): Promise<PageAccount> {
    const account = this.newPage(name);
    await this.apply(...this.pageManifests(account, spec));
    await this.condition(account.place, 'Ready', { status: 'True' });
    return account;
  }

  /** Waits until Graph has these fields for the app on the page; undefined: no row. */
  async fields(pageId: string, wanted: readonly string[] | undefined, deadlineMs = 15_000): Promise<void> {
    const text = (fields: readonly string[] | undefined): string => (fields === undefined ? 'none' : [...fields].sort().join());
    await eventually(() => this.rowOf(pageId) === text(wanted), deadlineMs, `${pageId} having ${text(wanted)}`);
  }

  /** Graph's fields as text, sorted; `none` without a row of any app. */
  rowOf(pageId: string): string {
    const row = this.sim.control.state().subscriptions.find((one) => one.pageId === pageId);
    return row === undefined ? 'none' : [...row.fields].sort().join();
  }

  /** Meta sends one message once. @returns the webhook's status */
  async send(pageId: string, mid: string, appId = this.app.appId): Promise<number | undefined> {
    const { delivery } = await this.sim.control.sendEvents(appId, [{ pageId, mid, user: 'jane' }], { force: true, retry: false });
    return delivery?.attempts[0]?.status;
  }

  /**
   * Sends until the webhook knows the page and this bot gets it. @returns the message id that
   * arrived
   */
  async reaches(pageId: string, bot: RecordingBot, appId = this.app.appId): Promise<string> {
    let count = 0;
    return eventually(async () => {
      const mid = `m_${pageId}_${++count}`;
      await this.send(pageId, mid, appId);
      return bot.mids().includes(mid) ? mid : undefined;
    });
  }

  async events({ namespace, name }: Place): Promise<readonly KubeEvent[]> {
    const all = await this.cluster.admin.list<KubeEvent>(`/apis/events.k8s.io/v1/namespaces/${namespace}/events`);
    return all.filter(({ regarding }) => regarding.name === name);
  }

  /** Asks the Pages API as a ServiceAccount. */
  async askApi(path: string, namespace: string, account: string): Promise<{ readonly status: number; readonly body: unknown }> {
    const token = await this.cluster.requestToken(namespace, account, { audiences: ['messenger-operator'] });
    const response = await fetch(`${this.operator.pagesApiUrl}${path}`, { headers: { authorization: `Bearer ${token}` } });
    return { status: response.status, body: await response.json() };
  }

  /** The operator's requests that the API server refused for lack of a right, as text. */
  async refusals(): Promise<readonly string[]> {
    const accounts = new Set(['controller', 'webhook', 'pages-api'].map(accountOf));
    const refused = (await this.cluster.audit()).filter(
      ({ user, responseStatus }) => accounts.has(user.username) && responseStatus?.code === 403,
    );
    return refused.map(({ user, verb, requestURI }) => `${user.username} ${verb} ${requestURI}`);
  }
}

interface WorldParts {
  readonly cluster: ControlPlane;
  readonly sim: RunningSimulator;
  readonly bot: RecordingBot;
  readonly operator: Operator;
  readonly appSecret: string;
}

/** Tells a measured number where a person running the tests sees it. */
export function tell(text: string): void {
  process.stderr.write(`    measured: ${text}\n`);
}
