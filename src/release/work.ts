import { type CustomObject, type Kind, PAGES } from '../api/kinds.js';
import type { MessengerPage } from '../api/v1alpha1/types.gen.js';
import { KeyMutex } from '../controller/key-mutex.js';
import type { Clock } from '../kit/clock.js';
import { StaleReadError, fullMessage } from '../core/domain/errors.js';
import type { Logger } from '../kit/log.js';
import { keyOf, keyText } from '../core/domain/object-key.js';
import { DeadlineError, withDeadline } from '../runtime/deadline.js';
import { hasFinalizer } from '../runtime/finalizers.js';
import { Limiter } from '../runtime/limiter.js';
import type { FinalizerWriter, LiveReader } from '../runtime/ports.js';
import { left, type PageUnsubscribeResult } from './page.js';
import type { ReleasedObject } from './report.js';
import { isPage, rowOf, type Targets } from './targets.js';

export interface ReleaseWorkDeps {
  readonly livePages: LiveReader<MessengerPage>;
  readonly finalizersOf: (kind: Kind) => Pick<FinalizerWriter<CustomObject>, 'remove'>;
  /** Takes a page off Graph; undefined: that was not asked for. */
  readonly unsubscribe: ((page: MessengerPage, signal: AbortSignal) => Promise<PageUnsubscribeResult>) | undefined;
  readonly clock: Clock;
  readonly log: Logger;
  readonly dryRun: boolean;
  /**
   * From now on, for all calls at Graph together: what is left of the time is for the finalizers.
   */
  readonly graphMs: number;
}

/** At once: as many connections as there are to the API server and to Graph. */
const AT_ONCE = 32;
/** A page may be changed or deleted while it is looked at; not so many times in a row. */
const TRIES = 3;
const NO_TIME = 'for there was no time left to ask Graph';

interface Target {
  readonly kind: Kind;
  readonly object: CustomObject;
}

/**
 * Frees kind after kind, pages first. Never throws: the line of an object says what went wrong with
 * it.
 */
export class ReleaseWork {
  readonly #deps: ReleaseWorkDeps;
  readonly #places = new Limiter(AT_ONCE);
  readonly #mutex = new KeyMutex();

  constructor(deps: ReleaseWorkDeps) {
    this.#deps = deps;
  }

  async run({ groups, skipped }: Targets, signal: AbortSignal): Promise<readonly ReleasedObject[]> {
    const graph = withDeadline(this.#deps.clock, signal, this.#deps.graphMs);
    try {
      const rows: ReleasedObject[] = [];
      for (const { kind, objects } of groups) {
        const free = (object: CustomObject): Promise<ReleasedObject> =>
          isPage(object) ? this.#page(object, graph.signal, signal) : this.#object(kind, object, signal);
        rows.push(...(await Promise.all(objects.map((object) => this.#each({ kind, object }, signal, () => free(object))))));
      }
      return [...rows, ...skipped];
    } finally {
      graph.clear();
    }
  }

  async #each({ kind, object }: Target, signal: AbortSignal, free: () => Promise<ReleasedObject>): Promise<ReleasedObject> {
    try {
      const row = await this.#places.run(free, signal);
      this.#deps.log.info('freed', {
        object: `${row.kind} ${keyText(row)}`,
        finalizer: row.finalizer,
        graph: row.graph,
        because: row.message,
      });
      return row;
    } catch (error) {
      const why = error instanceof DeadlineError ? 'there was no time left; run it again' : messageOf(error);
      return { ...rowOf(kind, object), finalizer: 'kept', message: `${why}; by hand: ${byHand(kind, object)}` };
    }
  }

  #page(page: MessengerPage, graph: AbortSignal, signal: AbortSignal): Promise<ReleasedObject> {
    // Two objects of one Facebook Page must not be unsubscribed at the same time.
    return this.#mutex.run(page.spec.pageId, signal, async () => {
      const { unsubscribe } = this.#deps;
      const said = unsubscribe === undefined ? undefined : await this.#unsubscribe(page, graph, signal);
      return { ...(await this.#object(PAGES, page, signal)), ...said };
    });
  }

  /** undefined: the page is gone, or another process has released it. */
  async #unsubscribe(page: MessengerPage, graph: AbortSignal, signal: AbortSignal): Promise<PageUnsubscribeResult | undefined> {
    for (let tries = 1; ; tries++) {
      const live = await this.#deps.livePages.get(keyOf(page), signal);
      if (live === undefined || !isSame(live, page)) return undefined;
      try {
        graph.throwIfAborted();
        return await this.#deps.unsubscribe?.(live, graph);
      } catch (error) {
        if (graph.aborted && !signal.aborted) return left(live, undefined, NO_TIME);
        if (!(error instanceof StaleReadError) || tries >= TRIES) throw error;
      }
    }
  }

  async #object(kind: Kind, object: CustomObject, signal: AbortSignal): Promise<ReleasedObject> {
    const { finalizersOf, dryRun } = this.#deps;
    if (!dryRun) await finalizersOf(kind).remove(object, kind.finalizer, signal);
    return { ...rowOf(kind, object), finalizer: dryRun ? 'would be freed' : 'freed', message: '' };
  }
}

function isSame(live: MessengerPage, page: MessengerPage): boolean {
  return live.metadata.uid === page.metadata.uid && hasFinalizer(live, PAGES.finalizer);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? fullMessage(error) : 'it failed';
}

/** A command that removes our finalizer and keeps those of others. */
function byHand({ finalizer, shortNames: [shortName] }: Kind, object: CustomObject): string {
  const { name, namespace = '', finalizers = [] } = object.metadata;
  const others = finalizers.filter((one) => one !== finalizer);
  const patch = JSON.stringify({ metadata: { finalizers: others.length === 0 ? null : others } });
  return `kubectl patch ${shortName} ${name} -n ${namespace} --type=merge -p '${patch}'`;
}
