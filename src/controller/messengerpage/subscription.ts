import { rfc3339, sleep } from '../../kit/clock.js';
import { TerminalError, TransientError } from '../../core/domain/errors.js';
import { stalledLookMs } from '../../core/domain/schedule.js';
import { planSubscription, type SubscriptionPlan } from '../../core/domain/subscription.js';
import { keyText } from '../../core/domain/object-key.js';
import type { ObservedSubscription } from '../../core/ports/graph.js';
import { appKeyOf } from '../../relations/relations.js';
import { bad, good } from '../verdict.js';
import { checkAppFields, deliveredFields, fieldHint, shortList } from './acceptance.js';
import { changeOf, hindranceOf, holdBack, isAdoption, noteChange, type Change } from './drift.js';
import { assertMayWrite, ensureFinalizer } from './graph-write.js';
import { refusalBasisOf, type GraphPass } from './pass.js';
import type { PageReconcilerDeps } from './ports.js';

type Write = Extract<SubscriptionPlan, { action: 'subscribe' }>;

/**
 * After a POST Graph may still show the old state for a moment: when to look again, in milliseconds
 * after the look before.
 */
const READ_BACK_AFTER_MS = [0, 250, 500, 1_000, 2_000];

/**
 * The page's subscription at Graph: observe → plan → act → read back. Judges `Subscribed`.
 * @throws TerminalError when Graph refuses to tell or to change it, TransientError,
 * RateLimitedError, AppCredentialError when it cannot be asked, StaleReadError when the page
 * changed meanwhile, NotLeaderError
 */
export async function reconcileSubscription(deps: PageReconcilerDeps, pass: GraphPass): Promise<void> {
  const observed = await observe(deps, pass);
  const plan = planSubscription(pass.spec.fields, observed);
  const hindrance = hindranceOf(pass, deps.options.readOnly);
  if (hindrance === undefined) await adopt(deps, pass, observed);
  if (plan.action === 'none') {
    pass.memory.refusal = undefined;
    pass.memory.unconfirmedWrite = false;
    settled(deps, pass, observed);
    return;
  }
  show(pass, observed);
  if (hindrance === undefined) {
    await repair(deps, pass, { plan, observed });
    return;
  }
  const message = `would subscribe the page to ${shortList(plan.fields)} (${plan.because}), but ${hindrance}`;
  pass.report.judge('Subscribed', bad('Observed', message));
}

async function observe({ graph, clock }: PageReconcilerDeps, { token, call, memory }: GraphPass): Promise<ObservedSubscription> {
  const observed = await graph.observe(token, call);
  memory.lookedMs = clock.monotonicMs();
  return observed;
}

/**
 * From here on a deletion unsubscribes, also what was subscribed before this object: one Event says
 * so.
 */
async function adopt(deps: PageReconcilerDeps, pass: GraphPass, observed: ObservedSubscription): Promise<void> {
  const adopted = isAdoption(pass, observed);
  await ensureFinalizer(deps, pass.page, pass.signal);
  if (!adopted) return;
  const note = `Page ${pass.page.spec.pageId} was subscribed to ${shortList([...observed.fields].sort())} before this object managed it: deleting the object will unsubscribe it`;
  pass.report.tell({ type: 'Normal', reason: 'Adopted', action: 'Observe', note });
}

async function repair(
  deps: PageReconcilerDeps,
  pass: GraphPass,
  { plan, observed }: { readonly plan: Write; readonly observed: ObservedSubscription },
): Promise<void> {
  const nowMs = deps.clock.monotonicMs();
  const change = changeOf(pass, observed);
  noteChange(pass, change, nowMs);
  const held = holdBack(pass, change, nowMs);
  if (held !== undefined) {
    pass.report.judge('Subscribed', held.verdict);
    pass.report.wake(held.untilMs - nowMs);
    return;
  }
  await write(deps, pass, { plan, change });
  settled(deps, pass, await readBack(deps, pass));
}

async function write(
  deps: PageReconcilerDeps,
  pass: GraphPass,
  { plan, change }: { readonly plan: Write; readonly change: Change },
): Promise<void> {
  const { clock } = deps;
  const { token, call, report, page, epoch, signal } = pass;
  await assertMayWrite(deps, page, { epoch, signal });
  pass.memory.unconfirmedWrite = true;
  try {
    await deps.graph.subscribe(token, plan.fields, call);
  } catch (error) {
    if (error instanceof TerminalError) rememberRefusal(deps, pass, { error, sent: plan.fields });
    throw error;
  }
  pass.memory.refusal = undefined;
  if (change.kind === 'removed') pass.memory.removals = change.afterRestore(clock.monotonicMs());
  report.set({ lastWriteTime: rfc3339(clock.nowMs()) });
  const note = `Subscribed page ${page.spec.pageId} to ${shortList(plan.fields)}: ${plan.because}`;
  report.tell({ type: change.type, reason: change.event, action: 'Subscribe', note });
  deps.log.info('subscribed page', {
    page: keyText(pass.key),
    pageId: page.spec.pageId,
    fields: plan.fields,
    because: plan.because,
  });
}

function rememberRefusal(
  { clock }: PageReconcilerDeps,
  pass: GraphPass,
  { error, sent }: { readonly error: TerminalError; readonly sent: readonly string[] },
): void {
  const { memory } = pass;
  const { reason, graphText } = error;
  const basis = refusalBasisOf(pass);
  const looks = memory.refusal?.basis === basis ? memory.refusal.looks + 1 : 1;
  const hint = reason === 'InvalidField' ? fieldHint(sent, sent[error.refusedIndex ?? -1]) : undefined;
  const message = hint === undefined ? error.message : `${hint}; ${error.message}`;
  const untilMs = clock.monotonicMs() + stalledLookMs(looks - 1);
  memory.refusal = { basis, reason, message, graphText, looks, untilMs };
}

/** @throws TransientError when Graph keeps showing something else */
async function readBack(deps: PageReconcilerDeps, pass: GraphPass): Promise<ObservedSubscription> {
  for (const ms of READ_BACK_AFTER_MS) {
    if (ms > 0) await sleep(deps.clock, ms, pass.signal);
    const observed = await observe(deps, pass);
    if (planSubscription(pass.spec.fields, observed).action !== 'none') continue;
    pass.memory.unconfirmedWrite = false;
    return observed;
  }
  throw new TransientError('GraphUnavailable', `Graph took the fields of page ${pass.page.spec.pageId} and does not show them yet`);
}

/** The page has the fields that it is to have; now for the app's side. */
function settled({ health }: PageReconcilerDeps, pass: GraphPass, observed: ObservedSubscription): void {
  const { app, page, spec, report } = pass;
  show(pass, observed);
  const fault = checkAppFields(spec.fields, app, health.refusedFields(appKeyOf(page)));
  report.judge('Subscribed', fault ?? good(`Graph lists the app on page ${page.spec.pageId} with the wanted fields`));
}

function show({ app, spec, report }: GraphPass, observed: ObservedSubscription): void {
  const delivered = deliveredFields(observed.fields, app);
  const ofWanted = delivered.filter((field) => spec.fields.includes(field)).length;
  report.set({
    subscribedFields: [...observed.fields].sort(),
    effectiveFields: delivered,
    fieldsSummary: `${ofWanted}/${spec.fields.length}`,
  });
}
