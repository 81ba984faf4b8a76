import type { KubeObject } from '../api/meta.js';
import { sleep } from '../kit/clock.js';
import { backoffMs } from '../runtime/queue/backoff.js';
import { linked } from '../kit/abort.js';
import { unlessAborted } from '../runtime/deadline.js';
import { isOlder } from '../runtime/resource-version.js';
import { isStatus, KubeStatusError } from './kube-error.js';
import { listAll } from './list.js';
import type { ReflectorEvent } from './observer.js';
import { REFLECTOR_TIMING, type ReflectorOptions, type ReflectorTiming } from './reflector-options.js';
import { resourceText } from './resources.js';
import { watchOnce, type WatchEnd, type WatchSink } from './watch.js';

const COMPLAIN_EVERY_MS = 60_000;
/**
 * A watch is resumed only if the server spoke, or ended the last one, this short a time ago. After
 * that it may have come back with another past (a restored etcd), and once that has grown beyond
 * our version a resumed watch looks healthy: bookmarks come, and what was undone is never told.
 */
const RESUME_WITHIN_MS = 2_000;

/** How a reflector is doing, for readiness and the admin endpoint. */
export interface ReflectorHealth {
  /** `messengerpages.messenger-operator.dev`, with the namespace where it follows one only */
  readonly what: string;
  readonly synced: boolean;
  /** Listed, or refused: waiting longer for the first list would not help. */
  readonly settled: boolean;
  /** The verb that RBAC refuses at the moment. */
  readonly forbidden: 'list' | 'watch' | undefined;
  /** The last failure, until something works again. */
  readonly problem: string | undefined;
}

/**
 * Keeps a store equal to what the API server has of one kind (in one namespace).
 *
 * Guarantees: the first list and every relist are consistent reads; a watch that ends or breaks
 * resumes where it was if that takes no longer than 2 s; one that cannot be trusted any more (410,
 * ERROR, bad or backward line, silence, a server that was away for longer) is followed by a list; a
 * list is taken anyway every 30 min; what was deleted meanwhile becomes a deletion. A refused verb
 * or any failure is retried for ever with back-off, told once a minute, and never ends the process.
 */
export class Reflector<T extends KubeObject> {
  readonly #options: ReflectorOptions<T>;
  readonly #timing: ReflectorTiming;
  readonly #random: () => number;
  readonly #sink: WatchSink<T>;
  /** Where the next watch begins; undefined: a list first. */
  #from: string | undefined;
  /** The newest version ever seen. */
  #newest: string | undefined;
  #relistAtMs = 0;
  /** When the server last spoke. */
  #heardMs = -Infinity;
  /** In a row, without a word from a watch in between. */
  #failures = 0;
  /** Whether the watch under way has said anything. */
  #spoke = false;
  #complainedMs = -Infinity;
  #synced = false;
  #forbidden: 'list' | 'watch' | undefined;
  /** Forbidden, or not served. */
  #refused = false;
  #problem: string | undefined;
  /** Those who wait for a list that is begun from now on. */
  readonly #awaiting: (() => void)[] = [];
  /** Ends the watch under way, so that a list follows. */
  #cutWatch: () => void = () => undefined;

  constructor(options: ReflectorOptions<T>) {
    this.#options = options;
    this.#timing = { ...REFLECTOR_TIMING, ...options.timing };
    this.#random = options.random ?? Math.random;
    const { store, namespace } = options;
    this.#sink = {
      apply: (object) => {
        store.apply(object);
      },
      remove: (object) => {
        store.remove(object);
      },
      reached: (version) => {
        this.#from = version;
        this.#newest = version;
        this.#failures = 0;
        this.#spoke = true;
        this.#hears();
        store.touch(namespace);
      },
      observe: (event) => {
        this.#observe(event);
      },
    };
  }

  get health(): ReflectorHealth {
    const settled = this.#synced || this.#refused;
    return { what: this.#what, synced: this.#synced, settled, forbidden: this.#forbidden, problem: this.#problem };
  }

  /** Follows until the signal is aborted, and resolves then. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.#turn(signal);
      } catch (error) {
        await this.#failed('list', error, signal);
      }
    }
  }

  /**
   * Resolves once a list that was begun after this call is in the store: all that was written
   * before the call is known then. Resolves, too, when the list of a single namespace is refused.
   * Otherwise it waits for as long as the server fails.
   * @throws the signal's reason
   */
  refresh(signal: AbortSignal): Promise<void> {
    const listed = new Promise<void>((resolve) => {
      this.#awaiting.push(resolve);
    });
    this.#cutWatch();
    return unlessAborted(listed, signal);
  }

  get #what(): string {
    const { resource, namespace } = this.#options;
    return namespace === undefined ? resourceText(resource) : `${resourceText(resource)} in ${namespace}`;
  }

  /** One list, where one is due, and one watch. */
  async #turn(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const from = (this.#mayResume() ? this.#from : undefined) ?? (await this.#list(signal));
    // Asked for while the list was under way.
    if (this.#awaiting.length > 0) return;
    const end = await this.#watch(from, signal);
    if (end === 'cut') return;
    if (end.then === 'relist' || clock.monotonicMs() >= this.#relistAtMs) this.#from = undefined;
    if (end.error !== undefined) return this.#failed('watch', end.error, signal);
    this.#heardMs = clock.monotonicMs();
    if (this.#hasSpoken()) return;
    // Not a word before its end: were it so every time, this would be a tight loop.
    this.#failures++;
    if (this.#failures > 1) await this.#wait(undefined, signal);
  }

  #mayResume(): boolean {
    return this.#options.clock.monotonicMs() - this.#heardMs <= RESUME_WITHIN_MS && this.#awaiting.length === 0;
  }

  async #watch(from: string, signal: AbortSignal): Promise<WatchEnd | 'cut'> {
    const { client, clock } = this.#options;
    const run = { client, clock, followed: this.#options, timing: this.#timing, sink: this.#sink, random: this.#random };
    const own = linked(signal);
    this.#cutWatch = () => {
      own.abort(new Error('a list is wanted'));
    };
    this.#spoke = false;
    try {
      return await watchOnce(run, from, own.signal);
    } catch (error) {
      if (own.signal.aborted && !signal.aborted) return 'cut';
      throw error;
    } finally {
      this.#cutWatch = () => undefined;
      own.clear();
    }
  }

  /** A method, because the compiler cannot see that the watch changes it. */
  #hasSpoken(): boolean {
    return this.#spoke;
  }

  async #list(signal: AbortSignal): Promise<string> {
    const { client, store, namespace, clock, log, onRefused, onListed } = this.#options;
    const awaiting = this.#awaiting.length;
    const { resourceVersion, items } = await listAll<T>(client, this.#options, signal, this.#timing);
    this.#observe('list');
    if (isOlder(resourceVersion, this.#newest)) {
      this.#observe('reset');
      log.warn('the cluster went back in time', { what: this.#what, from: this.#newest, to: resourceVersion });
    }
    store.replace(items, namespace === undefined ? {} : { namespace });
    this.#synced = true;
    this.#hears();
    if (this.#refused) onRefused?.(false);
    this.#refused = false;
    this.#forbidden = undefined;
    onListed?.();
    this.#from = resourceVersion;
    this.#newest = resourceVersion;
    this.#relistAtMs = clock.monotonicMs() + this.#timing.relistMs * (0.8 + 0.4 * this.#random());
    for (const listed of this.#awaiting.splice(0, awaiting)) listed();
    return resourceVersion;
  }

  #hears(): void {
    this.#heardMs = this.#options.clock.monotonicMs();
    this.#problem = undefined;
  }

  async #failed(verb: 'list' | 'watch', error: unknown, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    if (verb === 'list') this.#observe('list_failed');
    this.#problem = error instanceof Error ? error.message : 'unknown';
    if (isStatus(error, 403) || (verb === 'list' && isStatus(error, 404))) this.#refuse();
    if (isStatus(error, 403)) return this.#forbid(verb, error, signal);
    this.#complain('cannot follow the cluster', { verb, error });
    this.#failures++;
    await this.#wait(error, signal);
  }

  #refuse(): void {
    const { store, namespace, onRefused } = this.#options;
    store.refuse(namespace);
    if (!this.#refused) onRefused?.(true);
    this.#refused = true;
    if (namespace === undefined) return;
    for (const listed of this.#awaiting.splice(0)) listed();
  }

  async #forbid(verb: 'list' | 'watch', error: KubeStatusError, signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    this.#observe('forbidden');
    this.#complain('not allowed to follow the cluster', { verb, error });
    this.#forbidden = verb;
    this.#from = undefined;
    await quietly(sleep(clock, this.#timing.forbiddenRetryMs * (0.8 + 0.4 * this.#random()), signal));
  }

  async #wait(error: unknown, signal: AbortSignal): Promise<void> {
    const { backoffBaseMs: baseMs, backoffMaxMs: maxMs } = this.#timing;
    const ownMs = backoffMs(this.#failures, { baseMs, maxMs, random: this.#random });
    const askedMs = error instanceof KubeStatusError ? (error.retryAfterMs ?? 0) : 0;
    await quietly(sleep(this.#options.clock, Math.max(ownMs, askedMs * (1 + 0.2 * this.#random())), signal));
  }

  /**
   * Not `LogOnceAMinute`: two messages share one line a minute, and they are errors, which no
   * stranger causes.
   */
  #complain(message: string, fields: { readonly verb: string; readonly error: unknown }): void {
    const { clock, log, resource, namespace = '*' } = this.#options;
    if (clock.monotonicMs() - this.#complainedMs < COMPLAIN_EVERY_MS) return;
    this.#complainedMs = clock.monotonicMs();
    log.error(message, { ...fields, resource: resourceText(resource), namespace });
  }

  #observe(event: ReflectorEvent): void {
    this.#options.observe?.(event);
  }
}

/** The end of a wait by its signal is seen by the loop. */
async function quietly(waiting: Promise<void>): Promise<void> {
  await waiting.catch(() => undefined);
}
