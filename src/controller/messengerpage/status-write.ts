import type { MessengerApp, MessengerPage } from '../../api/v1alpha1/types.gen.js';
import { keyOf, keyText } from '../../core/domain/object-key.js';
import { findCondition } from '../../runtime/conditions.js';
import { firstDriftCheckMs, nextDriftCheckMs } from '../../runtime/drift.js';
import { requeueAfter, type Result } from '../../runtime/ports.js';
import { stallEvents } from '../stall.js';
import { unknown } from '../verdict.js';
import type { PagePass } from './pass.js';
import type { PageReconcilerDeps } from './ports.js';
import { composeStatus, type Composed } from './status.js';

/** A page that could not be looked at for three intervals, and at least this long, is Unknown. */
const NOT_LOOKED_MIN_MS = 3_600_000;
/**
 * A new page that cannot be looked at says so after this time: a hiccup is not worth a write, empty
 * columns say nothing.
 */
const NEVER_LOOKED_MS = 30_000;
const LIMITED = "a request limit is reached (Graph's, or sixty changes of one page): the operator continues by itself";

// The end of a pass: one status write if anything changed, the Events, and the time of the next
// pass.

/** The pass saw what there is to see. */
export async function writeAfterLook(deps: PageReconcilerDeps, pass: PagePass, app: MessengerApp | undefined): Promise<Result> {
  pass.memory.lookedMs = deps.clock.monotonicMs();
  const composed = compose(deps, pass, { app, answered: true });
  await write(deps, pass, composed);
  return requeueAfter(nextMs(deps, pass, { composed, app }));
}

/** Why Graph was not looked at. */
interface NoLook {
  readonly app: MessengerApp;
  /** A request limit makes the page wait, Graph's or our own. */
  readonly limited: boolean;
}

/**
 * Graph could not be looked at: what was seen stays. A spec that was not looked at yet gets no
 * status, or an old Ready would seem to be about it, unless it waits for a request limit: then it
 * says so. A page of which nothing was ever seen says why.
 */
export async function writeWithoutGraph(deps: PageReconcilerDeps, pass: PagePass, { app, limited }: NoLook): Promise<Result> {
  const { page, memory, spec } = pass;
  const limitMs = Math.max(3 * intervalMs(deps, pass, app), NOT_LOOKED_MIN_MS);
  const nowMs = deps.clock.monotonicMs();
  const leftMs = memory.lookedMs + limitMs - nowMs;
  const quietMs = page.status?.conditions === undefined ? memory.metMs + NEVER_LOOKED_MS - nowMs : Infinity;
  if (leftMs <= 0) judgeUnknown(pass);
  else if (quietMs <= 0) judgeNeverLooked(pass, limited);
  const late = leftMs <= 0 || quietMs <= 0;
  const says = late || isObserved(page) || (limited && judgeLimited(pass));
  const composed = compose(deps, pass, { app, answered: false });
  if (says) await write(deps, pass, composed);
  return requeueAfter(Math.min(spec.intervalMs, ...[leftMs, quietMs].filter((ms) => ms > 0)));
}

function compose(
  { clock, options }: PageReconcilerDeps,
  pass: PagePass,
  { app, answered }: { readonly app: MessengerApp | undefined; readonly answered: boolean },
): Composed {
  return composeStatus(pass, {
    observing: options.readOnly || !pass.spec.manage,
    suspended: pass.page.spec.suspend === true,
    appSuspended: app?.spec.suspend === true,
    answered,
    nowMs: clock.nowMs(),
    monotonicMs: clock.monotonicMs(),
  });
}

async function write(deps: PageReconcilerDeps, pass: PagePass, { status, summary: { ready } }: Composed): Promise<void> {
  const { page, report, signal } = pass;
  await deps.status.write(withNewestVersion(deps, page), status, signal);
  report.record(
    (event) => {
      deps.events.record(page, event);
    },
    stallEvents(page.status?.conditions, status.conditions),
  );
  const was = findCondition(page.status?.conditions, 'Ready');
  if (was?.status === ready.status && was.reason === ready.reason) return;
  deps.log.info('page changed', { page: keyText(pass.key), pageId: page.spec.pageId, ready: ready.status, reason: ready.reason });
}

/**
 * With the version that the cache has by now: this pass may have written the object, and the writer
 * builds on a version.
 */
function withNewestVersion({ pages }: PageReconcilerDeps, page: MessengerPage): MessengerPage {
  const metadata = pages.get(keyOf(page))?.metadata;
  return metadata?.uid === page.metadata.uid && metadata !== undefined ? { ...page, metadata } : page;
}

function nextMs(
  deps: PageReconcilerDeps,
  pass: PagePass,
  { composed, app }: { readonly composed: Composed; readonly app: MessengerApp | undefined },
): number {
  const dues = [composed.wakeMs, pass.report.wakeMs];
  if (!composed.stalled && composed.summary.state !== 'suspended') dues.push(driftMs(deps, pass, intervalMs(deps, pass, app)));
  const found = dues.filter((ms) => ms !== undefined);
  return found.length === 0 ? pass.spec.intervalMs : Math.min(...found);
}

/** The page's interval, stretched while Graph says that much of a budget is used. */
function intervalMs({ signs }: PageReconcilerDeps, { spec, page }: PagePass, app: MessengerApp | undefined): number {
  const pressure = app === undefined ? undefined : signs?.pressure(app.spec.appId, page.spec.pageId);
  return spec.intervalMs * (pressure ?? 1);
}

/**
 * At first the page's own place in the interval, so that checks are spread evenly. A pass in
 * between does not put it off.
 */
function driftMs({ clock, random }: PageReconcilerDeps, { memory, spec }: PagePass, everyMs: number): number {
  const nowMs = clock.monotonicMs();
  const known = memory.nextDrift?.intervalMs === spec.intervalMs ? memory.nextDrift : undefined;
  if (known !== undefined && known.atMs > nowMs) return known.atMs - nowMs;
  const ms = known === undefined ? firstDriftCheckMs(memory.uid, everyMs) : nextDriftCheckMs(everyMs, random);
  memory.nextDrift = { atMs: nowMs + ms, intervalMs: spec.intervalMs };
  return ms;
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

/** The status is about the spec as it is now. */
function isObserved({ status, metadata }: MessengerPage): boolean {
  return status?.observedGeneration === metadata.generation;
}

/** A new page: about the first thing that is not known of it. */
function judgeNeverLooked({ page, report }: PagePass, limited: boolean): void {
  const why = limited ? LIMITED : 'Graph or a Secret could not be asked: see the conditions of its MessengerApp';
  const message = `page ${page.spec.pageId} could not be looked at yet, because ${why}`;
  const type = report.judged.get('TokenValid') === undefined ? 'TokenValid' : 'Subscribed';
  report.judge(type, unknown(limited ? 'RateLimited' : 'GraphUnavailable', message));
}

/** A changed page that holds its claim. @returns whether there is something to say */
function judgeLimited({ page, report }: PagePass): boolean {
  const claim = report.patch.claim ?? page.status?.claim;
  if (page.status?.conditions === undefined || claim?.state !== 'Held') return false;
  report.judge('Subscribed', unknown('RateLimited', `the last change of page ${page.spec.pageId} is not at Graph yet, because ${LIMITED}`));
  return true;
}
