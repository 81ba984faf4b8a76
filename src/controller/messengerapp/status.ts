import type { Condition } from '../../api/meta.js';
import { APP_CONDITIONS, type AppConditionType } from '../../api/v1alpha1/conditions.js';
import type { MessengerApp, MessengerAppStatus } from '../../api/v1alpha1/types.gen.js';
import { findCondition, isConditionTrue } from '../../runtime/conditions.js';
import { bad, conditionsFrom, good, unknown, type Verdict } from '../verdict.js';
import { recallWaiting, stallOf, wasStalled, type ObjectState } from '../stall.js';
import type { AppPass } from './pass.js';

const MAY_COME: ReadonlySet<string> = new Set(['SecretNotFound', 'SecretKeyMissing', 'SecretNotReadable']);
/** These pass by themselves. */
const PASSING: ReadonlySet<string> = new Set(['GraphUnavailable', 'RateLimited']);
/** With Manage the operator is about to mend these. */
const MENDED: ReadonlySet<string> = new Set(['NotSubscribed', 'CallbackMismatch', 'Inactive', 'FieldsMissing']);

export interface ComposedApp {
  readonly status: MessengerAppStatus;
  readonly ready: Verdict;
  readonly wakeMs: number | undefined;
}

/** Makes the whole status from what there was and what this pass found out. */
export function composeAppStatus(pass: AppPass, times: { readonly nowMs: number; readonly monotonicMs: number }): ComposedApp {
  const { app, report, memory } = pass;
  const generation = app.metadata.generation ?? 0;
  const at = { generation, nowMs: times.nowMs };
  const before = app.status?.conditions;
  const aspects = conditionsFrom(before, report.judged, APP_CONDITIONS, at);
  const { ready, state } = summaryOf(app, aspects);
  recallWaiting(memory, ready.reason, wasStalled(before, ready.reason, generation), times.monotonicMs);
  const { stalled, wakeMs } = stallOf(state, ready.reason, memory, times.monotonicMs);
  const abnormal = state === 'done' || state === 'suspended' ? undefined : stalled ? 'Stalled' : 'Reconciling';
  const sum = (type: string): Verdict | 'gone' => (abnormal === type ? { ...ready, status: 'True' } : 'gone');
  const summary = new Map<string, Verdict | 'gone'>([
    ['Ready', ready],
    ['Reconciling', sum('Reconciling')],
    ['Stalled', sum('Stalled')],
  ]);
  const [first, ...rest] = conditionsFrom(before, summary, [...summary.keys()], at);
  const conditions = [...(first === undefined ? [] : [first]), ...aspects, ...rest];
  const readyPages = pass.pages.filter(({ status }) => isConditionTrue(status?.conditions, 'Ready')).length;
  const pages = { total: pass.pages.length, ready: readyPages };
  const status = { ...app.status, ...report.patch, observedGeneration: generation, conditions, pages };
  if (app.spec.webhook?.subscription === 'Ignore') delete status.subscription;
  return { status, ready, wakeMs };
}

function summaryOf(app: MessengerApp, conditions: readonly Condition[]): { readonly ready: Verdict; readonly state: ObjectState } {
  if (app.spec.suspend === true) {
    const ready = bad(
      'Suspended',
      'spec.suspend is true: nothing is written to Graph for the app and its pages; events are still delivered',
    );
    return { ready, state: 'suspended' };
  }
  const { subscription } = app.spec.webhook ?? {};
  const failing = APP_CONDITIONS.filter((type) => type !== 'Subscribed' || subscription !== 'Ignore').find(
    (type) => !isConditionTrue(conditions, type),
  );
  if (failing === undefined) return { ready: good('the app is accepted and Graph answers', 'Ready'), state: 'done' };
  // Where Graph could never be asked, nothing is known of the credentials: what counts is why it
  // could not.
  const condition = findCondition(conditions, failing) ?? findCondition(conditions, 'GraphReachable');
  if (condition === undefined || condition.status === 'True')
    return { ready: unknown('GraphUnavailable', 'Graph could not be asked yet'), state: 'reconciling' };
  return { ready: bad(condition.reason, condition.message), state: stateOf(failing, condition.reason, subscription === 'Manage') };
}

function stateOf(type: AppConditionType, reason: string, manage: boolean): ObjectState {
  if (MAY_COME.has(reason)) return 'may_come';
  if (PASSING.has(reason)) return 'reconciling';
  if (reason === 'Observed') return 'suspended';
  return type === 'Subscribed' && manage && MENDED.has(reason) ? 'reconciling' : 'stalled';
}
