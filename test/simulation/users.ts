import type { MessengerApp, MessengerPage } from '../../src/api/v1alpha1/types.gen.js';
import { RECONCILE_AT_ANNOTATION } from '../../src/api/v1alpha1/constants.js';
import { keyOf, type NamespacedName } from '../../src/core/domain/object-key.js';
import type { Stored } from './api-server.js';
import { appOf, pagesOf } from './truth.js';
import type { World } from './world.js';

export const APP_IDS = ['151', '152'] as const;
export const PAGE_IDS = ['1001', '1002'] as const;
const ALL_FIELDS = ['feed', 'messages', 'messaging_optins', 'messaging_postbacks'];
export const FIELD_SETS = [
  ['messages'],
  ['messages', 'messaging_postbacks'],
  ['feed', 'messages'],
  ['messages', 'messaging_optins'],
] as const;
const NAMES = ['a', 'b', 'c'] as const;
const NAMESPACES = ['bots', 'tenant'] as const;
const FOREIGN_FINALIZER = 'example.com/hold';
const FOREIGN_FIELDS = ['messages', 'name'];
const CALLBACK = 'https://bots.example.com/webhooks/messenger';
const MAX_FOREIGN_CHANGES = 3;

const MAIN: NamespacedName = { namespace: 'bots', name: 'main' };
const SECOND: NamespacedName = { namespace: 'bots', name: 'second' };

/**
 * What people do to the cluster and to Graph. Every action that may lead to a write says so to the
 * oracle first.
 */
export class Users {
  readonly #world: World;
  readonly #foreignChanges = new Map<string, number>();
  #tokens = 0;
  #verifyTokens = 0;
  /** Whether an app's own Secret was ever taken away: then pages may be parked for a while. */
  appsWereParked = false;

  constructor(world: World) {
    this.#world = world;
  }

  /** Some time before anything happens. */
  setUp(): void {
    const { random } = this.#world;
    this.makeRoom();
    this.createApp(MAIN, '151');
    if (random.chance(0.4)) this.createApp(SECOND, '152');
    for (let count = random.between(2, 5); count > 0; count--) this.createPage();
  }

  /** What apps and pages need besides themselves. */
  makeRoom(): void {
    const { server, graph, random, chaos } = this.#world;
    for (const name of NAMESPACES) server.create('namespaces', { metadata: { name, labels: { team: name } } });
    for (const namespace of NAMESPACES) {
      server.create('services', { metadata: { namespace, name: 'bot' }, spec: { type: 'ClusterIP', ports: [{ port: 5000 }] } });
      server.create('secrets', secret({ namespace, name: 'signing' }, { appSecret: 'signing-1' }));
    }
    for (const appId of APP_IDS) {
      graph.secrets.set(appId, `secret-${appId}`);
      graph.appRows.set(appId, {
        object: 'page',
        callbackUrl: CALLBACK,
        active: true,
        fields: random.chance(0.7) ? ALL_FIELDS : ['messages'],
      });
      // Somebody has subscribed the app to a Page long before.
      const key = `${appId}/${random.pick(PAGE_IDS)}`;
      if (!chaos || !random.chance(0.2)) continue;
      graph.setByHand(key, FOREIGN_FIELDS);
      this.#world.oracle.excused.set(key, 'never ours');
    }
  }

  createApp(key = this.#world.random.pick([MAIN, SECOND]), appId: string = this.#world.random.pick(APP_IDS)): void {
    const { server, random, chaos } = this.#world;
    if (server.get('messengerapps', key) !== undefined) return;
    this.#touchApp(appId);
    this.putAppSecret(key, appId);
    const spec = {
      appId,
      appSecretRef: { name: `app-${key.name}` },
      verifyTokenRef: { name: `app-${key.name}` },
      webhook: { subscription: chaos ? random.pick(['Observe', 'Manage', 'Manage', 'Ignore']) : 'Manage', callbackUrl: CALLBACK },
      allowedNamespaces: { from: chaos ? random.pick(['All', 'All', 'Same']) : 'All' },
    };
    server.create('messengerapps', { metadata: { ...key }, spec });
    this.#say('creates app', key, spec);
  }

  putAppSecret(key: NamespacedName, appId: string): void {
    if (this.#world.random.chance(0.2)) this.#verifyTokens += 1;
    this.#world.oracle.apps.allow(appId);
    const data = { appSecret: `secret-${appId}`, verifyToken: `verify-${this.#verifyTokens}` };
    this.putSecret({ namespace: key.namespace, name: `app-${key.name}` }, data);
  }

  createPage(key = this.#someKey(), like?: Pick<MessengerPage, 'spec'>): void {
    const { server, random, chaos } = this.#world;
    if (server.get('messengerpages', key) !== undefined) return;
    const spec = like?.spec ?? this.#someSpec(key);
    if (!chaos || random.chance(0.9)) this.putToken(key, spec.pageId, !chaos || random.chance(0.85));
    server.create('messengerpages', { metadata: { ...key, finalizers: chaos && random.chance(0.1) ? [FOREIGN_FINALIZER] : [] }, spec });
    this.#touch(server.get('messengerpages', key));
    this.#say('creates page', key, spec);
  }

  /** Somebody puts another token into a page's Secret. */
  rotate(good = true): void {
    const page = this.somePage();
    if (page !== undefined) this.putToken(keyOf(page), page.spec.pageId, good);
  }

  /** A token of the page and its app, or a dead one. */
  putToken(key: NamespacedName, pageId: string, good: boolean): void {
    this.#tokens += 1;
    const token = `token-${this.#tokens}`;
    const page = this.#world.server.get('messengerpages', key);
    const appId = page?.spec.appRef.name === 'second' ? this.#appIdOf(SECOND) : this.#appIdOf(MAIN);
    this.#world.graph.tokens.set(token, { pageId, appId, alive: good });
    this.putSecret({ namespace: key.namespace, name: `token-${key.name}` }, { token });
    for (const one of pagesOf(this.#world)) if (one.spec.accessTokenSecretRef.name === `token-${key.name}`) this.#touch(one);
  }

  putSecret(key: NamespacedName, data: Readonly<Record<string, string>>): void {
    const { server } = this.#world;
    this.#world.trouble();
    const stored = secret(key, data);
    if (server.get('secrets', key) === undefined) server.create('secrets', stored);
    else server.update('secrets', key, (was) => ({ ...was, ...(stored.data && { data: stored.data }) }));
    this.#say('puts Secret', key, data);
  }

  deleteSecret(key: NamespacedName): void {
    this.#world.trouble();
    this.#world.server.delete('secrets', key);
    this.#say('deletes Secret', key);
  }

  editPage(change: (page: MessengerPage) => Partial<MessengerPage['spec']>, page = this.somePage()): void {
    if (page === undefined) return;
    const changed = change(page);
    this.#touch(page);
    this.#say('edits', keyOf(page), changed);
    this.#world.server.update('messengerpages', keyOf(page), (was) => ({ ...was, spec: { ...page.spec, ...changed } }));
  }

  deletePage(page = this.somePage()): void {
    if (page === undefined) return;
    this.#touch(page);
    this.#say('deletes page', keyOf(page));
    this.#world.server.delete('messengerpages', keyOf(page));
  }

  deleteApp(app = this.someApp()): void {
    if (app === undefined) return;
    this.#touchApp(app.spec.appId);
    this.#say('deletes app', keyOf(app));
    this.#world.server.delete('messengerapps', keyOf(app));
  }

  editApp(change: Partial<MessengerApp['spec']>): void {
    const app = this.someApp();
    if (app === undefined) return;
    this.#touchApp(app.spec.appId);
    this.#say('edits app', keyOf(app), change);
    this.#world.server.update('messengerapps', keyOf(app), (was) => ({ ...was, spec: { ...app.spec, ...change } }));
  }

  labelNamespace(): void {
    const { server, random } = this.#world;
    for (const appId of APP_IDS) this.#touchApp(appId);
    const labels = { team: random.pick(['bots', 'tenant', 'other']) };
    server.update('namespaces', { namespace: '', name: 'tenant' }, (was) => ({ ...was, metadata: { ...was.metadata, labels } }));
    this.#say('labels', { namespace: '', name: 'tenant' }, labels);
  }

  annotate(page = this.somePage()): void {
    if (page === undefined) return;
    const annotations = { [RECONCILE_AT_ANNOTATION]: String(this.#world.clock.monotonicMs()) };
    this.#world.server.update('messengerpages', keyOf(page), (was) => ({ ...was, metadata: { ...was.metadata, annotations } }));
  }

  /** Whoever holds a page in Terminating lets it go, or begins to. */
  toggleForeignFinalizer(page = this.somePage()): void {
    if (page === undefined) return;
    const { finalizers = [], deletionTimestamp } = page.metadata;
    const has = finalizers.includes(FOREIGN_FINALIZER);
    if (!has && deletionTimestamp !== undefined) return;
    const next = has ? finalizers.filter((one) => one !== FOREIGN_FINALIZER) : [...finalizers, FOREIGN_FINALIZER];
    this.#world.server.update('messengerpages', keyOf(page), (was) => ({ ...was, metadata: { ...was.metadata, finalizers: next } }));
  }

  /** Graph takes this token no more; left out: any. */
  killToken(only?: string): void {
    const { graph, random } = this.#world;
    const alive = [...graph.tokens].filter(([text, token]) => token.alive && (only === undefined || text === only));
    const found = random.pickAny(alive);
    if (found === undefined) return;
    this.#world.trouble();
    found[1].alive = false;
    this.#world.oracle.claims.look();
    for (const page of pagesOf(this.#world)) if (page.spec.pageId === found[1].pageId) this.#touch(page);
    this.#world.trace('user', `kills ${found[0]}`);
  }

  /**
   * Somebody changes or removes our row at Graph; not so often that it would be left alone for
   * hours.
   */
  changeRow(): void {
    const { graph, random } = this.#world;
    const key = random.pickAny([...graph.rows.keys()]);
    if (key === undefined || (this.#foreignChanges.get(key) ?? 0) >= MAX_FOREIGN_CHANGES) return;
    this.#foreignChanges.set(key, (this.#foreignChanges.get(key) ?? 0) + 1);
    this.#world.oracle.allow(key);
    const fields = random.chance(0.5) ? undefined : FOREIGN_FIELDS;
    graph.setByHand(key, fields);
    this.#world.trace('user', `makes row ${key} ${fields?.join() ?? 'gone'}`);
  }

  /** Somebody takes a field out of an app's row, gives it another callback, or removes it. */
  changeAppRow(): void {
    const { graph, random, oracle } = this.#world;
    const found = random.pickAny([...graph.appRows]);
    if (found === undefined) return;
    const [appId, row] = found;
    oracle.apps.allow(appId);
    graph.setAppByHand(
      appId,
      random.pickAny([undefined, { ...row, fields: row.fields.slice(1) }, { ...row, callbackUrl: `${CALLBACK}/old` }]),
    );
    this.#world.trace('user', `changes the row of app ${appId}`);
  }

  /** Graph has something against a Page from now on. */
  breakPage(): void {
    const pageId = this.#world.random.pick(PAGE_IDS);
    this.#world.graph.broken.add(pageId);
    this.#world.trace('user', `breaks Page ${pageId}`);
  }

  somePage(): MessengerPage | undefined {
    return this.#world.random.pickAny(pagesOf(this.#world));
  }

  someApp(): MessengerApp | undefined {
    return this.#world.random.pickAny(this.#world.server.list('messengerapps'));
  }

  chance(probability: number): boolean {
    return this.#world.random.chance(probability);
  }

  pick<T>(items: readonly T[]): T {
    return this.#world.random.pick(items);
  }

  pages(): readonly MessengerPage[] {
    return pagesOf(this.#world);
  }

  #someSpec({ name }: NamespacedName): MessengerPage['spec'] {
    const { random } = this.#world;
    return {
      pageId: random.pick(PAGE_IDS),
      appRef: { name: random.chance(0.85) ? 'main' : 'second', namespace: 'bots' },
      accessTokenSecretRef: { name: `token-${name}` },
      subscribedFields: [...random.pick(FIELD_SETS)],
      backend: { service: { name: 'bot', port: 5000 }, signingSecretRef: { name: 'signing' } },
      deletionPolicy: random.chance(0.15) ? 'Retain' : 'Unsubscribe',
    };
  }

  #someKey(): NamespacedName {
    return { namespace: this.#world.random.pick(NAMESPACES), name: this.#world.random.pick(NAMES) };
  }

  #appIdOf(key: NamespacedName): string {
    return this.#world.server.get('messengerapps', key)?.spec.appId ?? '151';
  }

  /**
   * Whatever happens to a page may ask for one write of its key, and of the key that it has had.
   */
  #touch(page: (KubePage & Partial<MessengerPage>) | undefined): void {
    if (page?.spec === undefined) return;
    const appIds = [page.status?.claim?.appId, appOf(this.#world, page as MessengerPage)?.spec.appId];
    for (const appId of new Set(appIds)) {
      if (appId === undefined) continue;
      this.#world.oracle.allow(`${appId}/${page.spec.pageId}`);
      this.#world.oracle.apps.allow(appId);
    }
  }

  #touchApp(appId: string): void {
    this.#world.trouble();
    for (const pageId of PAGE_IDS) this.#world.oracle.allow(`${appId}/${pageId}`);
    this.#world.oracle.apps.allow(appId);
  }

  #say(what: string, { namespace, name }: NamespacedName, more?: unknown): void {
    this.#world.trace('user', `${what} ${namespace}/${name}`, more);
  }
}

type KubePage = Stored | MessengerPage;

function secret(key: NamespacedName, data: Readonly<Record<string, string>>): Stored {
  const encoded = Object.entries(data).map(([name, value]) => [name, Buffer.from(value).toString('base64')] as const);
  return { metadata: { ...key }, data: Object.fromEntries(encoded) };
}
