import type { MessengerApp, MessengerPage } from '../api/v1alpha1/types.gen.js';
import { factsOfPage, hasFailed, leftSubscribedNote } from '../controller/messengerpage/deletion.js';
import { Unsubscriber, type UnsubscriberDeps } from '../controller/messengerpage/unsubscribe.js';
import { claimKeyOf } from '../relations/relations.js';
import { Proofs } from '../controller/proofs.js';
import { sleep, type Clock } from '../kit/clock.js';
import { decideDeletion, type DeletionFacts, type DeletionStep } from '../core/domain/deletion.js';
import { effectiveSpec } from '../core/domain/effective-spec.js';
import { keyOf, keyText } from '../core/domain/object-key.js';
import { isBeingDeleted } from '../runtime/finalizers.js';
import type { GraphOutcome } from './report.js';

export interface PageUnsubscribeDeps extends UnsubscriberDeps {
  /** The app of a page, read live; undefined: it is gone. */
  readonly appOf: (page: MessengerPage, signal: AbortSignal) => Promise<MessengerApp | undefined>;
  /** Every MessengerPage of the same Facebook Page, read live. */
  readonly rivalsOf: (page: MessengerPage, signal: AbortSignal) => Promise<readonly MessengerPage[]>;
  /** The uids of the pages that are freed in this run: none of them is a successor. */
  readonly leaving: ReadonlySet<string>;
  readonly clock: Clock;
  /** Look, and change nothing. */
  readonly dryRun: boolean;
}

export interface PageUnsubscribeResult {
  readonly graph: GraphOutcome;
  readonly message: string;
}

type Release = Extract<DeletionStep, { do: 'release' }>;

const ATTEMPTS = 3;
/** A throttle asks for minutes, which is too long for a command. */
const LONGEST_WAIT_MS = 5_000;
const OF_NO_USE = { intervalMs: 0, minIntervalMs: 0 };

/**
 * Takes one page off Graph as the controller would if it were deleted, by the same table: first
 * match wins, live GET before the DELETE, read back after. It never waits for long: what does not
 * work within three attempts is left, and said.
 * @throws ClusterUnavailableError, StaleReadError, NotLeaderError, the signal's reason: nothing is
 * known then
 */
export async function unsubscribePage(deps: PageUnsubscribeDeps, page: MessengerPage, signal: AbortSignal): Promise<PageUnsubscribeResult> {
  const app = await deps.appOf(page, signal);
  return new UnsubscribeRun(deps, { page, app, signal }).run();
}

interface Leaving {
  readonly page: MessengerPage;
  readonly app: MessengerApp | undefined;
  readonly signal: AbortSignal;
}

class UnsubscribeRun {
  readonly #deps: PageUnsubscribeDeps;
  readonly #leaving: Leaving;
  readonly #unsubscriber: Unsubscriber;
  #keeper: string | undefined;
  /** A DELETE went out, whatever became of it. */
  #asked = false;

  constructor(deps: PageUnsubscribeDeps, leaving: Leaving) {
    const { page, app, signal } = leaving;
    this.#deps = deps;
    this.#leaving = leaving;
    this.#unsubscriber = new Unsubscriber(deps, { page, signal, memory: { credentials: undefined } }, app);
  }

  async run(): Promise<PageUnsubscribeResult> {
    const { page, app } = this.#leaving;
    let facts = factsOf(page, app, this.#deps.clock.nowMs());
    for (;;) {
      const step = decideDeletion(facts);
      if (step.do === 'release') return step.left ? this.#left() : this.#released(step);
      if (step.do === 'unsubscribe' && this.#deps.dryRun) return { graph: 'would be unsubscribed', message: '' };
      if (step.do !== 'retry') facts = counted(facts, await this.#findOut(step.do));
      else if (this.#mayRetry(facts, step.afterMs)) facts = await this.#later(facts, step.afterMs);
      else return this.#left();
    }
  }

  async #findOut(what: 'seek_successor' | 'look' | 'unsubscribe'): Promise<Partial<DeletionFacts>> {
    switch (what) {
      case 'seek_successor':
        this.#keeper = await keeperOf(this.#deps, this.#leaving);
        return { successor: this.#keeper !== undefined };
      case 'look':
        return { look: await this.#unsubscriber.look() };
      case 'unsubscribe':
        this.#asked = true;
        return { unsubscribe: await this.#unsubscriber.unsubscribe() };
    }
  }

  #mayRetry({ attempts }: DeletionFacts, afterMs: number): boolean {
    return attempts < ATTEMPTS && Math.max(afterMs, this.#unsubscriber.retryAfterMs ?? 0) <= LONGEST_WAIT_MS;
  }

  async #later(facts: DeletionFacts, ms: number): Promise<DeletionFacts> {
    await sleep(this.#deps.clock, ms, this.#leaving.signal);
    return { ...facts, look: undefined, unsubscribe: undefined };
  }

  #released({ row }: Release): PageUnsubscribeResult {
    if (row === 1)
      return nothing(this.#leaving.page.spec.managementPolicy === 'Observe' ? 'managementPolicy is Observe' : 'it never held the Page');
    if (row === 2) return nothing('deletionPolicy is Retain');
    if (row === 3) return nothing(this.#keeper ?? '');
    if (row === 4 && !this.#asked) return nothing('Graph does not list the app on the Page');
    return { graph: 'unsubscribed', message: '' };
  }

  #left(): PageUnsubscribeResult {
    const { page, app } = this.#leaving;
    return left(page, app, this.#unsubscriber.lastFailure);
  }
}

/** What is reported for a page that could not be unsubscribed. */
export function left(page: MessengerPage, app: MessengerApp | undefined, why: string): PageUnsubscribeResult {
  const appId = app?.spec.appId ?? page.status?.claim?.appId ?? '(unknown)';
  return { graph: 'left subscribed', message: leftSubscribedNote(page.spec.pageId, appId, why) };
}

function factsOf(page: MessengerPage, app: MessengerApp | undefined, nowMs: number): DeletionFacts {
  return {
    ...factsOfPage(page, effectiveSpec(page, app, OF_NO_USE)),
    unconfirmedWrite: page.status?.lastWriteTime === undefined,
    mayWrite: true,
    ...{ deletionMs: nowMs, firstAttemptMs: nowMs, attempts: 0, timeoutMs: 0, nowMs },
  };
}

function counted(facts: DeletionFacts, found: Partial<DeletionFacts>): DeletionFacts {
  return { ...facts, ...found, attempts: facts.attempts + (hasFailed(found) ? 1 : 0) };
}

/**
 * Who has the Page, or takes it over once this one is gone; undefined: none does, and it may be
 * unsubscribed.
 */
async function keeperOf(deps: PageUnsubscribeDeps, { page, app, signal }: Leaving): Promise<string | undefined> {
  const key = claimKeyOf(page, app);
  for (const rival of await deps.rivalsOf(page, signal)) {
    if (rival.metadata.uid === page.metadata.uid || claimKeyOf(rival, await deps.appOf(rival, signal)) !== key) continue;
    if (holdsBefore(rival, page)) return `${keyText(keyOf(rival))} holds it`;
    if (takesOver(deps, rival)) return `${keyText(keyOf(rival))} takes it over`;
  }
  return undefined;
}

function takesOver({ leaving, clock }: PageUnsubscribeDeps, rival: MessengerPage): boolean {
  const stays = !isBeingDeleted(rival) && !leaving.has(rival.metadata.uid ?? '') && rival.status?.claim?.state !== 'Refused';
  return stays && new Proofs(clock).of(rival).proof === 'proven';
}

/** While a claim is handed over both say that they hold it: the later epoch counts. */
function holdsBefore({ status: one }: MessengerPage, { status: other }: MessengerPage): boolean {
  if (one?.claim?.state !== 'Held') return false;
  return other?.claim?.state !== 'Held' || one.claim.epoch > other.claim.epoch;
}

function nothing(message: string): PageUnsubscribeResult {
  return { graph: 'nothing to do', message };
}
