import { UNSUBSCRIBE_FINALIZER } from '../../api/v1alpha1/constants.js';
import type { MessengerApp, MessengerPage } from '../../api/v1alpha1/types.gen.js';
import type { Clock } from '../../kit/clock.js';
import { decideDeletion, type DeletionFacts, type DeletionStep } from '../../core/domain/deletion.js';
import type { EffectiveSpec } from '../../core/domain/effective-spec.js';
import { keyText } from '../../core/domain/object-key.js';
import { hasFinalizer } from '../../runtime/finalizers.js';
import { awaitChange, requeueAfter, type Result } from '../../runtime/ports.js';
import { GoodBye } from './unsubscribe.js';
import { assertUnchanged } from './graph-write.js';
import type { PageMemory } from './memory.js';
import type { PagePass } from './pass.js';
import type { PageReconcilerDeps } from './ports.js';
import { handOver } from './successor.js';

type Release = Extract<DeletionStep, { do: 'release' }>;

/** Takes a deleted page off Graph and then lets it go. Never waits for what can never succeed, and says what it leaves behind. */
export class PageDeletion {
  readonly #deps: PageReconcilerDeps;

  constructor(deps: PageReconcilerDeps) {
    this.#deps = deps;
  }

  /** `app` undefined: it is gone. @throws ClusterUnavailableError, NotLeaderError, StaleReadError */
  async run(pass: PagePass, app: MessengerApp | undefined): Promise<Result> {
    if (!hasFinalizer(pass.page, UNSUBSCRIBE_FINALIZER)) return awaitChange();
    const { clock } = this.#deps;
    const memory = (pass.memory.deletion ??= firstAttempt(pass, clock));
    const goodBye = new GoodBye(this.#deps, pass, app);
    let facts = this.#facts(pass, memory);
    for (;;) {
      const step = decideDeletion(facts);
      switch (step.do) {
        case 'seek_successor':
          facts = { ...facts, successor: await handOver(this.#deps, pass, app) };
          break;
        case 'look':
          facts = { ...facts, ...this.#counted(pass, { look: await goodBye.look() }) };
          break;
        case 'unsubscribe':
          facts = { ...facts, ...this.#counted(pass, { unsubscribe: await goodBye.unsubscribe() }) };
          break;
        case 'retry':
          return this.#retry(pass, step.afterMs, goodBye);
        case 'release':
          return this.#release(pass, step, goodBye);
      }
      facts = { ...facts, nowMs: clock.monotonicMs(), retryAfterMs: goodBye.retryAfterMs };
    }
  }

  #facts({ page, spec, memory }: PagePass, own: NonNullable<PageMemory['deletion']>): DeletionFacts {
    const { clock, options } = this.#deps;
    return {
      ...factsOfPage(page, spec),
      unconfirmedWrite: memory.unconfirmedWrite || page.status?.lastWriteTime === undefined,
      mayWrite: !options.readOnly,
      deletionMs: own.deletionMs,
      firstAttemptMs: own.firstAttemptMs,
      attempts: own.attempts,
      timeoutMs: options.deletionTimeoutMs,
      nowMs: clock.monotonicMs(),
    };
  }

  /** A step that failed counts as an attempt. */
  #counted(pass: PagePass, found: Partial<DeletionFacts>): Partial<DeletionFacts> {
    const { deletion } = pass.memory;
    if (hasFailed(found) && deletion !== undefined) deletion.attempts += 1;
    return { ...found, attempts: deletion?.attempts ?? 0 };
  }

  #retry(pass: PagePass, afterMs: number, goodBye: GoodBye): Result {
    const { page, memory } = pass;
    const fields = { page: keyText(pass.key), pageId: page.spec.pageId, afterMs, because: goodBye.why };
    if (memory.deletion?.attempts === 1) this.#deps.log.warn('cannot unsubscribe a deleted page yet', fields);
    else this.#deps.log.debug('cannot unsubscribe a deleted page yet', fields);
    return requeueAfter(afterMs);
  }

  async #release(pass: PagePass, { row, left }: Release, goodBye: GoodBye): Promise<Result> {
    const { page, signal } = pass;
    // What the spec allows is only true of the spec as it is: it may be changed until the page is gone.
    if (row === 1 || row === 2) await assertUnchanged(this.#deps, page, { signal });
    if (pass.memory.deletion?.told === false) {
      pass.memory.deletion.told = true;
      if (left) this.#tellLeft(pass, goodBye.why);
      else if (row === 5) {
        const note = `Unsubscribed page ${page.spec.pageId} because its object is deleted`;
        this.#deps.events.record(page, { type: 'Normal', reason: 'Unsubscribed', action: 'Unsubscribe', note });
      }
    }
    await this.#deps.finalizers.remove(page, UNSUBSCRIBE_FINALIZER, signal);
    this.#deps.log.info('released a deleted page', { page: keyText(pass.key), pageId: page.spec.pageId, row });
    return awaitChange();
  }

  #tellLeft({ page, key }: PagePass, why: string): void {
    const { events, counters, log } = this.#deps;
    const { pageId } = page.spec;
    const appId = page.status?.claim?.appId ?? '';
    const note = leftSubscribedNote(pageId, appId, why);
    events.record(page, { type: 'Warning', reason: 'LeftSubscribed', action: 'Unsubscribe', note });
    counters.leftSubscribed();
    log.warn('released a page that may still be subscribed', { page: keyText(key), pageId, appId, because: why });
  }
}

/** The wall clock is asked once: however wrong it is or becomes, a deletion takes no longer than the timeout from here on. */
function firstAttempt({ page }: PagePass, clock: Clock): NonNullable<PageMemory['deletion']> {
  const firstAttemptMs = clock.monotonicMs();
  const ageMs = clock.nowMs() - (Date.parse(page.metadata.deletionTimestamp ?? '') || clock.nowMs());
  return { firstAttemptMs, deletionMs: firstAttemptMs - Math.max(0, ageMs), attempts: 0, told: false };
}

/** What may be left at Graph, why, and how to finish by hand; 1,000 characters at most. `why` begins with "for". */
export function leftSubscribedNote(pageId: string, appId: string, why: string): string {
  const byHand = `to finish, remove the app from the Page's settings at facebook.com, or send DELETE /${pageId}/subscribed_apps with a token of the Page or of the app`;
  return `Page ${pageId} may still be subscribed to app ${appId}, ${why}: ${byHand}`.slice(0, 1_000);
}

type PageFacts = 'everHeld' | 'observeOnly' | 'everWritten' | 'policy' | 'successor' | 'look' | 'unsubscribe';

/** What the page itself says of its deletion; nothing is found out yet. */
export function factsOfPage(page: MessengerPage, spec: EffectiveSpec): Pick<DeletionFacts, PageFacts> {
  return {
    everHeld: everHeld(page),
    observeOnly: !spec.manage,
    everWritten: hasFinalizer(page, UNSUBSCRIBE_FINALIZER),
    policy: deletionPolicyOf(page, spec),
    successor: undefined,
    look: undefined,
    unsubscribe: undefined,
  };
}

/** What counts as an attempt. */
export function hasFailed({ look, unsubscribe }: Partial<DeletionFacts>): boolean {
  return look === 'failed' || unsubscribe === 'failed';
}

/** Whether the page held its claim at some time. */
export function everHeld({ status }: MessengerPage): boolean {
  return status?.claim !== undefined && (status.claim.state === 'Held' || status.claim.epoch > 0);
}

/** What the page itself says; else what applied when its app was last seen; else what applies now. */
export function deletionPolicyOf({ spec, status }: MessengerPage, now: Pick<EffectiveSpec, 'deletionPolicy'>): 'Unsubscribe' | 'Retain' {
  if (spec.deletionPolicy !== undefined) return spec.deletionPolicy;
  return status?.effective?.deletionPolicy === 'Retain' ? 'Retain' : now.deletionPolicy;
}
