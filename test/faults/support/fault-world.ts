import { randomBytes } from 'node:crypto';
import type { MessengerPage, MessengerPageSpec } from '../../../src/api/v1alpha1/types.gen.js';
import { RecordingBot } from '../../support/bot-server.js';
import { FaultProxy } from '../../support/fault-proxy.js';
import { RELEASE } from '../../support/operator-chart.js';
import { grantClusterRole, namespaceNamed, secret, type Manifest } from '../../support/page-manifests.js';
import { NAMESPACE, PageWorld, type PageAccount } from '../../support/page-world.js';
import { Mirrors } from './mirrors.js';
import { GUESTS, SECRET_NAMESPACES } from './places.js';
import { Traffic } from './traffic.js';

export const PAGES = '/apis/messenger-operator.dev/v1alpha1/messengerpages';
/** The page of each kind of dependency that changes during faults, by name. */
const SPECIAL = ['defaulted', 'configured', 'moving', 'rotated', 'guest', 'signed'] as const;
export type Special = (typeof SPECIAL)[number];
/** Of the others, those whose fields are changed. */
const CHANGING = 12;
const AT_ONCE = 12;
const READY_DEADLINE_MS = 120_000;
const LOOK_EVERY_MS = 500;
/** Watches have to tell what changed: no check by the clock happens to come along. */
const RARE_CHECKS = ['--interval', '10m', '--min-interval', '1s', '--token-check-interval', '1h'];

/**
 * A cluster behind the fault proxy, with some hundred pages of one app, all Ready, and messages
 * coming in all the time.
 */
export class FaultWorld {
  readonly world: PageWorld;
  readonly proxy: FaultProxy;
  readonly mirrors: Mirrors;
  readonly traffic: Traffic;
  readonly special: Readonly<Record<Special, PageAccount>>;
  readonly changing: readonly PageAccount[];
  /** Pages that nobody touches: their objects must not change, whatever fails. */
  readonly known: readonly PageAccount[];
  /** The bots behind port 5000 and 5001 of the Service `moving`. */
  readonly movingBots: Readonly<Record<number, RecordingBot>>;
  readonly signingSecret: string;
  readonly #bots: readonly RecordingBot[];

  private constructor(parts: FaultWorldParts) {
    const { world, proxy, accounts, bots } = parts;
    this.world = world;
    this.proxy = proxy;
    this.signingSecret = parts.signingSecret;
    this.#bots = [bots.elsewhere, bots.signed];
    this.movingBots = { 5000: world.bot, 5001: bots.elsewhere };
    this.special = Object.fromEntries(SPECIAL.map((name, index) => [name, accounts[index]])) as unknown as Record<Special, PageAccount>;
    this.changing = accounts.slice(SPECIAL.length, SPECIAL.length + CHANGING);
    this.known = accounts.slice(SPECIAL.length + CHANGING);
    this.mirrors = new Mirrors(world.operator.kubeconfigs);
    const pageIds = [this.special.signed, ...this.known].map(({ pageId }) => pageId);
    this.traffic = new Traffic(world, [world.bot, bots.signed], pageIds);
  }

  /** `pages` in all, 20 at least. */
  static async start(pages: number): Promise<FaultWorld> {
    const signingSecret = randomBytes(16).toString('hex');
    const appSecret = randomBytes(16).toString('hex');
    const [elsewhere, signed] = await Promise.all([RecordingBot.start(appSecret), RecordingBot.start(signingSecret)]);
    let proxy: FaultProxy | undefined;
    const world = await PageWorld.start({
      appSecret,
      controllerManager: false,
      secretNamespaces: SECRET_NAMESPACES,
      flags: { controller: RARE_CHECKS },
      services: { [`${NAMESPACE}/moving:5001`]: elsewhere.port, [`${NAMESPACE}/signed-bot:5000`]: signed.port },
      alsoServedByBot: [`${NAMESPACE}/moving:5000`, `${GUESTS}/guest-bot:5000`],
      through: async ({ server, ca, admin }) => {
        await admin.apply(guestsNamespace(true));
        proxy = await FaultProxy.start({ server, ca });
        return proxy.target;
      },
    });
    if (proxy === undefined) throw new Error('the operator was started without the proxy');
    const accounts = await populate(world, pages, signingSecret);
    const faults = new FaultWorld({ world, proxy, accounts, signingSecret, bots: { elsewhere, signed } });
    try {
      await faults.#untilReady(signed);
      return faults;
    } catch (error) {
      await faults.stop();
      throw error;
    }
  }

  async #untilReady(signed: RecordingBot): Promise<void> {
    const endMs = performance.now() + READY_DEADLINE_MS;
    for (;;) {
      const unready = (await this.pages()).filter((page) => !isReady(page));
      if (unready.length === 0) break;
      const [one] = unready;
      if (performance.now() > endMs)
        throw new Error(`${unready.length} pages are not Ready: ${one?.metadata.name} ${JSON.stringify(one?.status)}`);
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    }
    await this.world.reaches(this.special.signed.pageId, signed);
  }

  /** All pages at the API server. */
  pages(): Promise<readonly MessengerPage[]> {
    return this.world.cluster.admin.list<MessengerPage>(PAGES);
  }

  /** The page and its Secret. */
  newPage(name: string): { readonly account: PageAccount; readonly manifests: readonly Manifest[] } {
    const account = this.world.newPage(name);
    return { account, manifests: this.world.pageManifests(account, { subscribedFields: ['messages'] }) };
  }

  async stop(): Promise<void> {
    await this.traffic.stop();
    await this.mirrors.stop();
    await this.world.stop();
    await Promise.all([this.proxy.stop(), ...this.#bots.map((bot) => bot.stop())]);
  }
}

interface FaultWorldParts {
  readonly world: PageWorld;
  readonly proxy: FaultProxy;
  readonly accounts: readonly PageAccount[];
  readonly signingSecret: string;
  readonly bots: { readonly elsewhere: RecordingBot; readonly signed: RecordingBot };
}

export function isReady(page: MessengerPage): boolean {
  const ready = page.status?.conditions?.find(({ type }) => type === 'Ready');
  return ready?.status === 'True' && page.status?.observedGeneration === page.metadata.generation;
}

/** A Service whose port 5000 or 5001 is called `http`. */
export function movingService(port: number): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'moving', namespace: NAMESPACE },
    spec: { ports: [{ name: 'http', port }], selector: { app: 'moving' } },
  };
}

export function guestsNamespace(allowed: boolean): Manifest {
  return namespaceNamed(GUESTS, { tenant: allowed ? 'yes' : 'no' });
}

export function configOf(value: number): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'configured', namespace: NAMESPACE },
    data: { 'bot.json': JSON.stringify({ value }) },
  };
}

async function populate(world: PageWorld, pages: number, signingSecret: string): Promise<readonly PageAccount[]> {
  const { admin } = world.cluster;
  const service = (name: string, namespace: string): Manifest => {
    const spec = { ports: [{ name: 'http', port: 5000 }], selector: { app: name } };
    return { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace }, spec };
  };
  await world.apply(
    ...[service('guest-bot', GUESTS), service('signed-bot', NAMESPACE), movingService(5000), configOf(0)],
    ...SECRET_NAMESPACES.map((namespace) => secret({ name: 'signing', namespace }, { secret: signingSecret })),
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'bot', namespace: NAMESPACE } },
    grantClusterRole({ name: 'bot', namespace: NAMESPACE }, `${RELEASE}-bot`, `${NAMESPACE}:bot`),
  );
  await world.patchApp(world.app.place, {
    allowedNamespaces: { from: 'Selector', selector: { matchLabels: { tenant: 'yes' } } },
    requireSigningSecret: false,
    pageDefaults: { subscribedFields: ['messages'] },
  });
  const accounts = Array.from({ length: pages }, (_, index) => {
    const name = SPECIAL[index] ?? `page-${index}`;
    return world.newPage(name, name === 'guest' ? { namespace: GUESTS } : {});
  });
  const appRef = { name: world.app.place.name, namespace: NAMESPACE };
  const queue = accounts.map((account) => world.pageManifests(account, { appRef, ...specOf(account.place.name) }));
  const worker = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) for (const object of next) await admin.apply(object);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return accounts;
}

function specOf(name: string): Partial<MessengerPageSpec> {
  const path = '/bot';
  const signingSecretRef = { name: 'signing', key: 'secret' };
  const subscribedFields = ['messages', 'messaging_postbacks'];
  const special: Readonly<Record<string, Partial<MessengerPageSpec>>> = {
    defaulted: {},
    configured: { subscribedFields, botConfig: { configMapRef: { name: 'configured', key: 'bot.json' } } },
    moving: { subscribedFields, backend: { service: { name: 'moving', port: 'http', path } } },
    guest: { subscribedFields, backend: { service: { name: 'guest-bot', port: 5000, path }, signingSecretRef } },
    signed: { subscribedFields, backend: { service: { name: 'signed-bot', port: 5000, path }, signingSecretRef } },
  };
  return special[name] ?? { subscribedFields };
}
