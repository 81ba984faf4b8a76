import type { MessengerApp, MessengerPage } from '../../api/v1alpha1/types.gen.js';
import { effectiveSpec } from '../../core/domain/effective-spec.js';
import { StaleReadError, TerminalError, TransientError } from '../../core/domain/errors.js';
import { keyText } from '../../core/domain/object-key.js';
import { stalledLookMs } from '../../core/domain/schedule.js';
import type { AppSubscription } from '../../core/ports/graph.js';
import { tokenFingerprint } from '../../core/secrets/fingerprint.js';
import { sleep } from '../../kit/clock.js';
import { isBeingDeleted } from '../../runtime/finalizers.js';
import { bad, good, refused, type Verdict } from '../verdict.js';
import { bisectFields, type TryResult } from './bisect-fields.js';
import { appBasisOf, appRefusalBasisOf, type AppGraphPass } from './pass.js';
import type { AppReconcilerDeps } from './ports.js';

const WEBHOOK_AGAIN_MS = 10_000;
const WRITE_EVERY_MS = 10_000;
const READ_BACK_AFTER_MS = [0, 500, 1_000, 2_000];
/** A field that Graph refused is tried again after a day: permissions come by App Review. */
const REFUSED_FOR_MS = 24 * 3_600_000;
const FIELD_REASONS: readonly string[] = ['FieldRefused', 'InvalidField'];

type Row = AppSubscription | undefined;

/**
 * The app's subscription of `object=page`: judges `Subscribed`, and with `Manage` keeps it right.
 * Only ever adds fields, and never touches the subscriptions of other objects. `rows`: what Graph
 * has.
 * @throws TransientError and the like when the outcome of a write is not known
 */
export async function reconcileAppSubscription(
  deps: AppReconcilerDeps,
  pass: AppGraphPass,
  rows: readonly AppSubscription[],
): Promise<void> {
  const { app } = pass;
  forgetOldRefusals(deps, pass);
  const wanted = neededFields(app, pass.pages);
  const needed = notRefused(pass, wanted);
  const row = rowOf(rows);
  show(pass, row, wanted);
  const fault = subscriptionFault(app, row, needed);
  const rotated = isRotated(pass, row);
  if (app.spec.webhook?.subscription !== 'Manage' || (fault === undefined && !rotated)) {
    judge(pass, fault ?? refusedFault(pass, wanted));
    return;
  }
  const hold = holdBack(deps, pass, fault ?? bad('Observed', 'the verify token has changed'));
  if (hold !== undefined) judge(pass, hold);
  else if (isEmpty(row, needed)) judge(pass, refusedFault(pass, wanted) ?? fault);
  else await manage(deps, pass, { row, wanted });
}

async function manage(
  deps: AppReconcilerDeps,
  pass: AppGraphPass,
  { row, wanted }: { readonly row: Row; readonly wanted: readonly string[] },
): Promise<void> {
  const { app, memory, verifyToken } = pass;
  memory.lastWriteMs = deps.clock.monotonicMs();
  const refusal = await write(deps, pass, { row, needed: notRefused(pass, wanted) });
  if (refusal !== undefined) {
    judge(pass, refusal);
    pass.report.wake((memory.refusal?.untilMs ?? 0) - deps.clock.monotonicMs());
    return;
  }
  memory.verifyToken = tokenFingerprint(app.metadata.uid ?? '', verifyToken);
  const after = await readBack(deps, pass, wanted);
  show(pass, after, wanted);
  judge(pass, subscriptionFault(app, after, notRefused(pass, wanted)) ?? refusedFault(pass, wanted));
}

/** Why a write that is needed is not made now; undefined: it is. */
function holdBack(deps: AppReconcilerDeps, pass: AppGraphPass, fault: Verdict): Verdict | undefined {
  const { options, publicReady, clock } = deps;
  const { app, memory, report } = pass;
  const nowMs = clock.monotonicMs();
  if (options.readOnly) return bad('Observed', `${fault.message}: would be mended, but the operator runs with --read-only`);
  if (app.spec.suspend === true) return bad('Observed', `${fault.message}: would be mended, but spec.suspend is true`);
  if (publicReady?.() === false) {
    report.wake(WEBHOOK_AGAIN_MS);
    return bad(fault.reason, `${fault.message}: waits for a webhook that can answer Meta's verification`);
  }
  const { refusal, lastWriteMs } = memory;
  if (refusal?.basis === appRefusalBasisOf(pass) && nowMs < refusal.untilMs) {
    report.wake(refusal.untilMs - nowMs);
    return { ...bad(refusal.reason, refusal.message), graphText: refusal.graphText };
  }
  if (lastWriteMs === undefined || nowMs - lastWriteMs >= WRITE_EVERY_MS) return undefined;
  report.wake(lastWriteMs + WRITE_EVERY_MS - nowMs);
  return fault;
}

/**
 * Meta never tells the verify token: it is taken to be right when first seen, and set again when
 * its Secret changes.
 */
function isRotated({ app, memory, verifyToken }: AppGraphPass, row: Row): boolean {
  const print = tokenFingerprint(app.metadata.uid ?? '', verifyToken);
  if (row !== undefined) memory.verifyToken ??= print;
  return memory.verifyToken !== undefined && memory.verifyToken !== print;
}

function judge({ report, app }: AppGraphPass, fault: Verdict | undefined): void {
  report.judge('Subscribed', fault ?? good(`app ${app.spec.appId} is subscribed to the object page with what its pages want`));
}

function show({ report }: AppGraphPass, row: Row, wanted: readonly string[]): void {
  const fields = [...(row?.fields ?? [])].sort();
  report.set({
    subscription: {
      ...(row === undefined ? {} : { callbackUrl: row.callbackUrl, active: row.active }),
      fields,
      extraFields: fields.filter((field) => !wanted.includes(field)),
    },
  });
}

function rowOf(rows: readonly AppSubscription[]): Row {
  return rows.find(({ object }) => object === 'page');
}

/**
 * There is no field to subscribe to, neither a needed one nor one to keep: Graph takes no such
 * subscription.
 */
function isEmpty(row: Row, needed: readonly string[]): boolean {
  return needed.length === 0 && (row === undefined || row.fields.length === 0);
}

// What is wanted, and what is wrong.

/**
 * The fields that the app has to be subscribed to so that its pages get theirs, within
 * `allowedFields`. Sorted.
 */
function neededFields(app: MessengerApp, pages: readonly MessengerPage[]): readonly string[] {
  const any = { intervalMs: 0, minIntervalMs: 0 };
  const wanted = pages.filter((page) => !isBeingDeleted(page)).flatMap((page) => effectiveSpec(page, app, any).fields);
  const allowed = app.spec.webhook?.allowedFields;
  return [...new Set(wanted)].filter((field) => allowed?.includes(field) ?? true).sort();
}

/** What is not as it should be about the subscription of `object=page`; undefined: all is. */
function subscriptionFault(app: MessengerApp, row: Row, needed: readonly string[]): Verdict | undefined {
  const { subscription, callbackUrl } = app.spec.webhook ?? {};
  const fix = subscription === 'Manage' ? '' : ": mend it in the app's dashboard (Webhooks, Page), or set webhook.subscription: Manage";
  if (row === undefined) return bad('NotSubscribed', `app ${app.spec.appId} is not subscribed to the object page${fix}`);
  if (callbackUrl !== undefined && row.callbackUrl !== callbackUrl) {
    return bad('CallbackMismatch', `Meta delivers the events of app ${app.spec.appId} to ${row.callbackUrl}, not to ${callbackUrl}${fix}`);
  }
  if (!row.active) return bad('Inactive', `Meta has switched the webhook of app ${app.spec.appId} off${fix}`);
  const missing = needed.filter((field) => !row.fields.includes(field));
  if (missing.length === 0) return undefined;
  return bad('FieldsMissing', `app ${app.spec.appId} is not subscribed to ${missing.slice(0, 10).join(', ')}, which its pages want${fix}`);
}

// Fields that Graph refuses.

function notRefused({ memory }: AppGraphPass, fields: readonly string[]): readonly string[] {
  return fields.filter((field) => !memory.refused.has(field));
}

function refusedFault({ memory }: AppGraphPass, wanted: readonly string[]): Verdict | undefined {
  const fields = wanted.filter((field) => memory.refused.has(field));
  if (fields.length === 0) return undefined;
  const fix = 'take them out of the pages that want them, or give the app the permissions that they need';
  return bad('FieldRefused', `Graph refuses to subscribe the app to ${fields.slice(0, 10).join(', ')}: ${fix}`);
}

function forgetOldRefusals({ clock, health }: AppReconcilerDeps, pass: AppGraphPass): void {
  const { memory, key } = pass;
  const basis = appBasisOf(pass);
  const nowMs = clock.monotonicMs();
  const left = memory.refusedBasis === basis ? [...memory.refused].filter(([, untilMs]) => nowMs < untilMs) : [];
  memory.refused = new Map(left);
  memory.refusedBasis = basis;
  health.setRefusedFields(key, new Set(memory.refused.keys()));
}

function rememberRefused({ clock, health }: AppReconcilerDeps, { memory, key }: AppGraphPass, fields: readonly string[]): void {
  const untilMs = clock.monotonicMs() + REFUSED_FOR_MS;
  memory.refused = new Map([...memory.refused, ...fields.map((field) => [field, untilMs] as const)]);
  health.setRefusedFields(key, new Set(memory.refused.keys()));
}

// The write.

/**
 * Sets callback, verify token and fields = observed ∪ needed; fields that Graph refuses are found
 * out and remembered.
 * @returns why Graph refuses it altogether, if it does
 */
async function write(
  deps: AppReconcilerDeps,
  pass: AppGraphPass,
  { row, needed }: { readonly row: Row; readonly needed: readonly string[] },
): Promise<Verdict | undefined> {
  const base = [...new Set(row?.fields)].sort();
  const candidates = needed.filter((field) => !base.includes(field));
  try {
    const posted = new Set<string>();
    const { fields, refused: bads } = await bisectFields(base, candidates, async (wanted) => {
      const result = await attempt(deps, pass, wanted);
      if (result.taken) posted.add(wanted.join());
      return result;
    });
    rememberRefused(deps, pass, bads);
    // Nothing was added, but callback or verify token may have to be set all the same.
    if (fields.length > 0 && !posted.has(fields.join())) await post(deps, pass, fields);
    pass.memory.refusal = undefined;
    tell(deps, pass, fields);
    return undefined;
  } catch (error) {
    if (!(error instanceof TerminalError)) throw error;
    return rememberRefusal(deps, pass, error);
  }
}

async function attempt(deps: AppReconcilerDeps, pass: AppGraphPass, fields: readonly string[]): Promise<TryResult> {
  try {
    await post(deps, pass, fields);
    return { taken: true };
  } catch (error) {
    if (!(error instanceof TerminalError) || !FIELD_REASONS.includes(error.reason)) throw error;
    return { taken: false, refused: fields[error.refusedIndex ?? -1] };
  }
}

async function post({ liveApps, fence, graph }: AppReconcilerDeps, pass: AppGraphPass, fields: readonly string[]): Promise<void> {
  const { app, key, credentials, verifyToken, signal } = pass;
  const live = await liveApps.get(key, signal);
  const { uid, generation, deletionTimestamp } = app.metadata;
  const same = live?.metadata.uid === uid && live?.metadata.generation === generation;
  if (!same || live?.metadata.deletionTimestamp !== deletionTimestamp) {
    throw new StaleReadError(`app ${keyText(key)} changed since the pass began`);
  }
  fence.check();
  const wanted = { callbackUrl: app.spec.webhook?.callbackUrl ?? '', verifyToken, fields };
  await graph.subscribeApp(credentials, wanted, { signal, priority: 'interactive' });
}

/**
 * Waits until Graph shows the app subscribed to what is wanted and not refused. @returns its row
 */
async function readBack({ graph, clock }: AppReconcilerDeps, pass: AppGraphPass, wanted: readonly string[]): Promise<Row> {
  const { app, memory, credentials, signal } = pass;
  for (const ms of READ_BACK_AFTER_MS) {
    if (ms > 0) await sleep(clock, ms, signal);
    const rows = await graph.subscriptions(credentials, { signal, priority: 'interactive' });
    if (memory.probe !== undefined) memory.probe = { ...memory.probe, rows };
    const row = rowOf(rows);
    const needed = notRefused(pass, wanted);
    // Where every field was refused there is nothing that could have been subscribed.
    if (subscriptionFault(app, row, needed) === undefined || (row === undefined && needed.length === 0)) return row;
  }
  throw new TransientError('GraphUnavailable', `Graph took the subscription of app ${app.spec.appId} and does not show it yet`);
}

function rememberRefusal({ clock }: AppReconcilerDeps, pass: AppGraphPass, error: TerminalError): Verdict {
  const { memory } = pass;
  const { reason, message, graphText } = error;
  const basis = appRefusalBasisOf(pass);
  const looks = memory.refusal?.basis === basis ? memory.refusal.looks + 1 : 1;
  const untilMs = clock.monotonicMs() + stalledLookMs(looks - 1);
  memory.refusal = { basis, reason, message, graphText, looks, untilMs };
  return refused(error, reason);
}

function tell({ log }: AppReconcilerDeps, { app, key, report }: AppGraphPass, fields: readonly string[]): void {
  if (fields.length === 0) return;
  const note = `Subscribed app ${app.spec.appId} to the object page: ${fields.length} fields, callback ${app.spec.webhook?.callbackUrl ?? ''}`;
  report.tell({ type: 'Normal', reason: 'Subscribed', action: 'Subscribe', note });
  log.info('subscribed app', { app: keyText(key), appId: app.spec.appId, fields });
}
