import type { MessengerPage } from '../../src/api/v1alpha1/types.gen.js';
import { appKeyOf, consentTo } from '../../src/relations/relations.js';
import { findCondition } from '../../src/runtime/conditions.js';
import { isBeingDeleted } from '../../src/runtime/finalizers.js';
import type { Caches } from './caches.js';
import type { Host } from './host.js';
import { appOf, claimKey, consents, goodAppSecret, goodToken, isProven, pagesOf } from './truth.js';
import type { World } from './world.js';

/** A pass that unsubscribes looks for a successor at its begin and takes less than this. */
const PASS_MS = 30_000;

/**
 * Who could have taken over when a page is unsubscribed, and what could have been done when it was
 * not.
 */
export class Successors {
  readonly #world: World;
  readonly #caches = new Map<Host, Caches>();
  /** host → page → since when its caches show that the page could take over */
  readonly #seen = new Map<Host, Map<string, number>>();
  /** page → since when it has been able to */
  readonly #since = new Map<string, number>();
  readonly #unwilling = new Map<Host, Unwilling>();

  constructor(world: World) {
    this.#world = world;
  }

  follow(host: Host, caches: Caches): void {
    const seen = new Map<string, number>();
    this.#caches.set(host, caches);
    this.#seen.set(host, seen);
    caches.pages.subscribe(({ type, object }) => {
      const { uid = '' } = object.metadata;
      if (type !== 'deleted' && looksFit(object)) seen.set(uid, seen.get(uid) ?? this.#nowMs());
      else seen.delete(uid);
    });
    this.#unwilling.set(host, new Unwilling(caches, () => this.#nowMs()));
  }

  /**
   * Why this process must not subscribe the page of this key: it has known so for as long as a pass
   * may take.
   */
  unwilling(host: Host, key: string): string | undefined {
    if (host.resumed !== undefined && this.#nowMs() - host.resumed.atMs < PASS_MS) return undefined;
    return this.#unwilling.get(host)?.of(key);
  }

  changed(page: MessengerPage, gone: boolean): void {
    const { uid = '' } = page.metadata;
    if (!gone && looksFit(page)) this.#since.set(uid, this.#since.get(uid) ?? this.#nowMs());
    else this.#since.delete(uid);
  }

  /** A page that is fit to take this key over, which this process has known for long enough. */
  of(host: Host, key: string): string | undefined {
    if (host.resumed !== undefined && this.#nowMs() - host.resumed.atMs < PASS_MS) return undefined;
    return pagesOf(this.#world).find((page) => claimKey(page) === key && this.#isFit(host, page))?.metadata.name;
  }

  /** Why it was not right to leave this page subscribed; undefined: it was. */
  whyLeft(page: MessengerPage): string | undefined {
    if (this.#world.graph.broken.has(page.spec.pageId)) return undefined;
    const app = appOf(this.#world, page);
    if (app === undefined || !goodAppSecret(this.#world, app) || goodToken(this.#world, page) === undefined) return undefined;
    const deletedMs = Date.parse(page.metadata.deletionTimestamp ?? '') - this.#world.startMs;
    return deletedMs > this.#world.lastTroubleMs + PASS_MS ? 'nothing stood in the way of unsubscribing it' : undefined;
  }

  #isFit(host: Host, page: MessengerPage): boolean {
    const { uid = '' } = page.metadata;
    const longAgo = (sinceMs: number | undefined): boolean => sinceMs !== undefined && this.#nowMs() - sinceMs > PASS_MS;
    if (!longAgo(this.#since.get(uid)) || !longAgo(this.#seen.get(host)?.get(uid))) return false;
    return consents(this.#world, page) && this.#consentSeen(host, page) && isProven(this.#world, page);
  }

  #consentSeen(host: Host, page: MessengerPage): boolean {
    const caches = this.#caches.get(host);
    const app = caches?.apps.get(appKeyOf(page));
    if (app === undefined || findCondition(app.status?.conditions, 'Accepted')?.status !== 'True') return false;
    return consentTo(page, app, caches?.namespaces).given;
  }

  #nowMs(): number {
    return this.#world.clock.monotonicMs();
  }
}

/**
 * What speaks against subscribing a page, as the caches of one process show it, and since when they
 * do.
 */
class Unwilling {
  readonly #caches: Caches;
  readonly #nowMs: () => number;
  /** key → what, since */
  readonly #since = new Map<string, { readonly why: string; readonly sinceMs: number }>();

  constructor(caches: Caches, nowMs: () => number) {
    this.#caches = caches;
    this.#nowMs = nowMs;
    for (const cache of [caches.pages, caches.apps, caches.namespaces]) {
      cache.subscribe(() => {
        this.#look();
      });
    }
  }

  of(key: string): string | undefined {
    const found = this.#since.get(key);
    return found !== undefined && this.#nowMs() - found.sinceMs > PASS_MS ? found.why : undefined;
  }

  #look(): void {
    const held = this.#caches.pages.list().filter(({ status }) => status?.claim?.state === 'Held');
    const keys = new Set(held.map((page) => claimKey(page) ?? ''));
    for (const key of this.#since.keys()) if (!keys.has(key)) this.#since.delete(key);
    for (const key of keys) {
      const why = held.filter((page) => claimKey(page) === key).map((page) => this.#whyNot(page));
      if (why[0] === undefined || why.includes(undefined)) this.#since.delete(key);
      else this.#since.set(key, { why: why[0], sinceMs: this.#since.get(key)?.sinceMs ?? this.#nowMs() });
    }
  }

  #whyNot(page: MessengerPage): string | undefined {
    const app = this.#caches.apps.get(appKeyOf(page));
    if (app === undefined) return 'its app is gone';
    if (app.spec.suspend === true) return 'its app is suspended';
    return consentTo(page, app, this.#caches.namespaces).given ? undefined : 'its app does not consent';
  }
}

function looksFit(page: MessengerPage): boolean {
  return !isBeingDeleted(page) && findCondition(page.status?.conditions, 'TokenValid')?.status === 'True';
}
