import type { MessengerApp, MessengerPage } from '../../api/v1alpha1/types.gen.js';
import { keyOf, keyText } from '../../core/domain/object-key.js';
import { findCondition } from '../../runtime/conditions.js';
import { firstDriftCheckMs, nextDriftCheckMs } from '../../runtime/drift.js';
import { requeueAfter, type Result } from '../../runtime/ports.js';
import { unknown } from '../verdict.js';
import { transitionEvents } from '../stall-events.js';
import type { PagePass } from './pass.js';
import type { PageReconcilerDeps } from './ports.js';
import { composeStatus, type Composed } from './status.js';

/** A page that nobody could look at for three intervals, and at least this long, is Unknown. */
const NOT_LOOKED_MIN_MS = 3_600_000;
/** A new page that cannot be looked at says so after this time: a hiccup is not worth a write, and empty columns tell nothing. */
const NEVER_LOOKED_MS = 30_000;

/** The end of a pass: one status write if anything changed, the Events, and the time of the next look. */
export class PageFinish {
  readonly #deps: PageReconcilerDeps;

  constructor(deps: PageReconcilerDeps) {
    this.#deps = deps;
  }

  /** The pass saw what there is to see. */
  async seen(pass: PagePass, { app }: { readonly app: MessengerApp | undefined }): Promise<Result> {
    pass.memory.lookedMs = this.#deps.clock.monotonicMs();
    const composed = this.#compose(pass, app, true);
    await this.#write(pass, composed);
    return requeueAfter(this.#nextMs(pass, composed, app));
  }

  /**
   * Graph could not be looked at: what was seen stays. A spec that was not looked at yet gets no status, or an old Ready would
   * seem to be about it; a page of which nothing was ever seen says so.
   */
  async blind(pass: PagePass & { readonly app: MessengerApp }): Promise<Result> {
    const { page, memory, spec } = pass;
    const limitMs = Math.max(3 * this.#intervalMs(pass, pass.app), NOT_LOOKED_MIN_MS);
    const nowMs = this.#deps.clock.monotonicMs();
    const leftMs = memory.lookedMs + limitMs - nowMs;
    const quietMs = page.status?.conditions === undefined ? memory.metMs + NEVER_LOOKED_MS - nowMs : Infinity;
    if (leftMs <= 0) judgeUnknown(pass);
    else if (quietMs <= 0) pass.report.judge('TokenValid', unknown('GraphUnavailable', neverLooked(pass)));
    const composed = this.#compose(pass, pass.app, false);
    const known = page.status?.observedGeneration === page.metadata.generation;
    if (leftMs <= 0 || quietMs <= 0 || known) await this.#write(pass, composed);
    return requeueAfter(Math.min(spec.intervalMs, ...[leftMs, quietMs].filter((ms) => ms > 0)));
  }

  #compose(pass: PagePass, app: MessengerApp | undefined, answered: boolean): Composed {
    const { clock, options } = this.#deps;
    const readiness = {
      observing: options.readOnly || !pass.spec.manage,
      suspended: pass.page.spec.suspend === true,
      appSuspended: app?.spec.suspend === true,
      answered,
    };
    return composeStatus(pass, readiness, { nowMs: clock.nowMs(), monotonicMs: clock.monotonicMs() });
  }

  async #write(pass: PagePass, { status, readiness }: Composed): Promise<void> {
    const { page, report, signal } = pass;
    const { events, log } = this.#deps;
    await this.#deps.status.write(this.#newest(page), status, signal);
    const told = [...report.events, ...transitionEvents(page.status?.conditions, status.conditions)];
    for (const event of told) events.record(page, event);
    const was = findCondition(page.status?.conditions, 'Ready');
    if (was?.status === readiness.ready.status && was.reason === readiness.ready.reason) return;
    log.info('page changed', {
      page: keyText(pass.key),
      pageId: page.spec.pageId,
      ready: readiness.ready.status,
      reason: readiness.ready.reason,
    });
  }

  /** With the version that the cache has by now: this pass has written the object before, and the writer builds on a version. */
  #newest(page: MessengerPage): MessengerPage {
    const metadata = this.#deps.pages.get(keyOf(page))?.metadata;
    return metadata?.uid === page.metadata.uid && metadata !== undefined ? { ...page, metadata } : page;
  }

  #nextMs(pass: PagePass, { stalled, wakeMs, readiness }: Composed, app: MessengerApp | undefined): number {
    const dues = [wakeMs, pass.report.wakeMs];
    if (!stalled && readiness.progress !== 'suspended') dues.push(this.#driftMs(pass, this.#intervalMs(pass, app)));
    const found = dues.filter((ms) => ms !== undefined);
    return found.length === 0 ? pass.spec.intervalMs : Math.min(...found);
  }

  /** The page's interval, stretched while Graph says that much of a budget is used. */
  #intervalMs({ spec, page }: PagePass, app: MessengerApp | undefined): number {
    const pressure = app === undefined ? undefined : this.#deps.signs?.pressure(app.spec.appId, page.spec.pageId);
    return spec.intervalMs * (pressure ?? 1);
  }

  /** Its own place in the interval at first, so that checks are spread evenly; a pass in between does not put it off. */
  #driftMs({ memory, spec }: PagePass, intervalMs: number): number {
    const { clock, random } = this.#deps;
    const nowMs = clock.monotonicMs();
    const known = memory.nextDrift?.intervalMs === spec.intervalMs ? memory.nextDrift : undefined;
    if (known !== undefined && known.atMs > nowMs) return known.atMs - nowMs;
    const ms = known === undefined ? firstDriftCheckMs(memory.uid, intervalMs) : nextDriftCheckMs(intervalMs, random);
    memory.nextDrift = { atMs: nowMs + ms, intervalMs: spec.intervalMs };
    return ms;
  }
}

/** What was True or Unknown is not known any more; a token that was found bad stays so. */
function judgeUnknown({ page, spec, report }: PagePass): void {
  // By the interval alone: what it is stretched by changes, and the text must not.
  const minutes = Math.round(Math.max(3 * spec.intervalMs, NOT_LOOKED_MIN_MS) / 60_000);
  const message = `Graph could not be asked about page ${page.spec.pageId} for at least ${minutes} minutes: see the conditions of its MessengerApp`;
  const token = findCondition(page.status?.conditions, 'TokenValid');
  if (token?.status !== 'False') report.judge('TokenValid', unknown('GraphUnavailable', message));
  const claim = report.patch.claim ?? page.status?.claim;
  if (claim?.state === 'Held') report.judge('Subscribed', unknown('GraphUnavailable', message));
}

function neverLooked({ page }: PagePass): string {
  return `page ${page.spec.pageId} could not be looked at yet, for Graph or a Secret could not be asked: see the conditions of its MessengerApp`;
}
