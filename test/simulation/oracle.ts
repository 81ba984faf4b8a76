import type { KubeObject } from '../../src/api/meta.js';
import { UNSUBSCRIBE_FINALIZER } from '../../src/api/v1alpha1/constants.js';
import type { MessengerApp, MessengerPage } from '../../src/api/v1alpha1/types.gen.js';
import { hasFinalizer, isBeingDeleted } from '../../src/runtime/finalizers.js';
import type { ServerChange } from './api-server.js';
import { AppWrites } from './app-writes.js';
import type { Caches } from './caches.js';
import { ClaimRules } from './claim-rules.js';
import { MAX_WAY_MS, type Host } from './host.js';
import { Successors } from './successors.js';
import { claimKey, consents, fieldsOf, pagesOf } from './truth.js';
import type { World } from './world.js';

/** The lease's renewDeadline: no write begins later after the last renewal. */
const FENCE_MS = 10_000;
/**
 * Nobody else begins before the lease is over: by then every write has been answered or given up.
 */
const LEASE_MS = 15_000;
const RECENT_MS = 60_000;
/** Five looks, each of which may take its time. */
const UNCONFIRMED_MS = 20_000;
/** The controller looks again for less than this after a POST. */
const READ_BACK_MS = 3_500;

export interface PageWrite {
  readonly key: string;
  /** Left out: it is a DELETE. */
  readonly fields?: readonly string[];
  readonly timeoutMs: number;
}

/** What could rightly be written to Graph for a key at some time. */
interface Legitimate {
  readonly fromMs: number;
  readonly posts: ReadonlySet<string>;
  /** A page of it is being deleted, and has our finalizer. */
  readonly deletes: boolean;
  /** Those who hold it and stay. */
  readonly holders: readonly MessengerPage[];
}

/**
 * Looks at every step whether the properties hold, from the server's own truth. Violations are
 * collected, none is thrown.
 */
export class Oracle {
  readonly violations: string[] = [];
  clusterWrites = 0;
  graphWrites = 0;
  unsubscribes = 0;
  readonly apps: AppWrites;
  readonly claims: ClaimRules;
  /** uids of pages of which it was told that they may still be subscribed. */
  readonly leftSubscribed = new Set<string>();
  /** key → why its row may stay although no page is left */
  readonly excused = new Map<string, string>();
  readonly #world: World;
  readonly #successors: Successors;
  readonly #leases = new Map<Host, number>();
  readonly #legitimate = new Map<string, Legitimate[]>();
  readonly #writes = new Map<string, number>();
  readonly #allowed = new Map<string, number>();
  readonly #unconfirmed = new Set<string>();
  readonly #lastWrite = new Map<Host, Map<string, number>>();

  constructor(world: World) {
    this.#world = world;
    this.#successors = new Successors(world);
    const violated = (property: string, what: string): void => {
      this.violated(property, what);
    };
    this.apps = new AppWrites(world, violated);
    this.claims = new ClaimRules(world, violated);
    world.server.onChange((change) => {
      this.#changed(change);
    });
    world.graph.onRow = (key) => {
      if (!world.graph.rows.has(key)) this.excused.delete(key);
    };
    world.graph.onStale = (key, sinceMs) => {
      if (!world.graph.rows.has(key) || sinceMs > READ_BACK_MS) this.allow(key);
    };
  }

  /** Whose caches are to be looked into when it decides about successors. */
  follow(host: Host, caches: Caches): void {
    this.#successors.follow(host, caches);
  }

  leaseRenewed(host: Host, beganMs: number): void {
    this.#leases.set(host, beganMs);
  }

  /** A write of an object sets out. */
  clusterWriteBegins(host: Host, what: string, timeoutMs: number): void {
    this.clusterWrites += 1;
    this.#checkFence(host, what, timeoutMs);
  }

  /** @returns to be called when its outcome is not known to the writer */
  appWriteBegins(host: Host, appId: string, timeoutMs: number): () => void {
    this.#checkFence(host, `Graph POST app ${appId}`, timeoutMs);
    return this.apps.begins(host, appId);
  }

  /** @returns to be called when its outcome is not known to the writer */
  graphWriteBegins(host: Host, { key, fields, timeoutMs }: PageWrite): () => void {
    this.graphWrites += 1;
    this.#checkFence(host, `Graph ${fields === undefined ? 'DELETE' : 'POST'} ${key}`, timeoutMs);
    this.#checkState(host, key, fields);
    this.#checkWill(host, key, fields);
    if (fields === undefined) {
      this.unsubscribes += 1;
      this.#checkSuccessors(host, key);
    }
    this.#count(key);
    const writes = this.#lastWrite.get(host) ?? new Map<string, number>();
    this.#lastWrite.set(host, writes.set(key, this.#nowMs()));
    return () => {
      this.allow(key);
    };
  }

  /**
   * Graph could not be asked. Shortly after a write by the same process that write stays
   * unconfirmed: once for each.
   */
  lookFailed(host: Host, key: string): void {
    const wroteMs = this.#lastWrite.get(host)?.get(key);
    if (wroteMs === undefined || this.#nowMs() - wroteMs > UNCONFIRMED_MS) return;
    const told = `${host.name} ${key} ${wroteMs}`;
    if (this.#unconfirmed.has(told)) return;
    this.#unconfirmed.add(told);
    this.allow(key);
  }

  /** One more write of this key is right: something changed, or an answer was lost. */
  allow(key: string): void {
    this.#allowed.set(key, (this.#allowed.get(key) ?? 0) + 1);
  }

  /** A process is gone: what it had begun shortly before may have to be done again. */
  processEnded(host: Host): void {
    for (const [key, atMs] of this.#lastWrite.get(host) ?? []) if (this.#nowMs() - atMs < RECENT_MS) this.allow(key);
    this.apps.processEnded(host);
  }

  eventTold(object: KubeObject, reason: string): void {
    this.#world.trace('event', `${object.metadata.name} ${reason}`);
    if (reason !== 'LeftSubscribed') return;
    this.leftSubscribed.add(object.metadata.uid ?? '');
    const fault = this.#successors.whyLeft(object as MessengerPage);
    if (fault !== undefined) this.violated('left_subscribed', `${object.metadata.name}: ${fault}`);
  }

  #changed(change: ServerChange): void {
    this.apps.changed(change);
    this.claims.changed(change);
    if (change.plural === 'messengerapps') this.#noteAll((change.object as MessengerApp).spec.appId);
    if (change.plural !== 'messengerpages') return;
    const [is, was] = [change.object as MessengerPage, change.previous as MessengerPage | undefined];
    for (const key of new Set([claimKey(is), was && claimKey(was)])) if (key !== undefined) this.#note(key);
    this.#successors.changed(is, change.gone);
    this.#finalizerChanged(is, was);
  }

  #finalizerChanged(is: MessengerPage, was: MessengerPage | undefined): void {
    const isManaged = hasFinalizer(is, UNSUBSCRIBE_FINALIZER);
    const wasManaged = was !== undefined && hasFinalizer(was, UNSUBSCRIBE_FINALIZER);
    if (isManaged && !wasManaged) this.excused.delete(claimKey(is) ?? '');
    if (wasManaged && isBeingDeleted(was) && !isManaged) this.#released(was);
  }

  #noteAll(appId: string): void {
    for (const key of this.#legitimate.keys()) if (key.startsWith(`${appId}/`)) this.#note(key);
  }

  /** The page is let go: may its row stay? */
  #released(page: MessengerPage): void {
    const key = claimKey(page);
    if (key === undefined || !this.#world.graph.rows.has(key)) return;
    const { deletionPolicy, managementPolicy } = page.spec;
    const policy = deletionPolicy === 'Retain' || managementPolicy === 'Observe' ? 'policy' : undefined;
    const why = this.leftSubscribed.has(page.metadata.uid ?? '') ? 'told' : policy;
    if (why !== undefined) this.excused.set(key, why);
  }

  #note(key: string): void {
    const pages = pagesOf(this.#world).filter((page) => claimKey(page) === key);
    const held = pages.filter(({ status }) => status?.claim?.state === 'Held');
    const may = (page: MessengerPage): boolean => page.spec.managementPolicy !== 'Observe' && page.spec.suspend !== true;
    const mayLeave = (page: MessengerPage): boolean => page.spec.managementPolicy !== 'Observe' && page.spec.deletionPolicy !== 'Retain';
    const posts = held.filter((page) => !isBeingDeleted(page) && may(page)).map((page) => fieldsOf(page));
    const deleted = pages.some((page) => isBeingDeleted(page) && hasFinalizer(page, UNSUBSCRIBE_FINALIZER) && mayLeave(page));
    const entries = this.#legitimate.get(key) ?? [];
    entries.push({ fromMs: this.#nowMs(), posts: new Set(posts), deletes: deleted, holders: held.filter((page) => !isBeingDeleted(page)) });
    if (entries.length > 64) entries.shift();
    this.#legitimate.set(key, entries);
  }

  /**
   * It must be right now, or have been when the page was read live: at most one way of an answer
   * ago.
   */
  #checkState(host: Host, key: string, fields: readonly string[] | undefined): void {
    const sinceMs = this.#nowMs() - MAX_WAY_MS - 1 - host.pauseBefore();
    const entries = this.#legitimate.get(key) ?? [];
    const inForce = entries.filter(({ fromMs }, index) => fromMs >= sinceMs || (entries[index + 1]?.fromMs ?? Infinity) >= sinceMs);
    const mayDelete = ({ deletes, holders }: Legitimate): boolean => deletes && !holders.some((page) => consents(this.#world, page));
    const right = inForce.some((one) => (fields === undefined ? mayDelete(one) : one.posts.has(fields.join())));
    if (!right) this.violated('stale_write', `${host.name} ${fields === undefined ? 'DELETE' : `POST ${fields.join()}`} ${key}`);
  }

  /**
   * What an app says is not read live: it counts once this process has known it for as long as a
   * pass may take.
   */
  #checkWill(host: Host, key: string, fields: readonly string[] | undefined): void {
    if (this.#world.readOnly) this.violated('read_only', `${host.name} writes ${key}`);
    const why = fields === undefined ? undefined : this.#successors.unwilling(host, key);
    if (why !== undefined) this.violated('unwilling', `${host.name} subscribes ${key} though ${why}`);
  }

  #checkFence(host: Host, what: string, timeoutMs: number): void {
    const ageMs = this.#nowMs() - (this.#leases.get(host) ?? -Infinity);
    if (ageMs >= FENCE_MS) this.violated('fence', `${host.name} begins ${what} ${ageMs} ms after its last renewal`);
    else if (ageMs + timeoutMs > LEASE_MS)
      this.violated('fence', `${what} may end ${ageMs + timeoutMs} ms after the last renewal of ${host.name}`);
  }

  #checkSuccessors(host: Host, key: string): void {
    const successor = this.#successors.of(host, key);
    if (successor !== undefined) this.violated('successor', `${host.name} unsubscribes ${key} though ${successor} could take over`);
  }

  #count(key: string): void {
    const writes = (this.#writes.get(key) ?? 0) + 1;
    this.#writes.set(key, writes);
    const allowed = this.#allowed.get(key) ?? 0;
    if (writes > allowed) this.violated('too_many_writes', `${writes} writes of ${key}, ${allowed} are explained`);
  }

  violated(property: string, what: string): void {
    this.violations.push(`${property}: ${what} (at ${this.#nowMs()} ms)`);
    this.#world.trace('VIOLATION', property, what);
  }

  #nowMs(): number {
    return this.#world.clock.monotonicMs();
  }
}
