import type { Condition } from '../../api/meta.js';
import { APP_CONDITIONS, type AppConditionType } from '../../api/v1alpha1/conditions.js';
import type { MessengerApp, MessengerAppStatus } from '../../api/v1alpha1/types.gen.js';
import { findCondition } from '../../runtime/conditions.js';
import { bad, conditionsFrom, good, unknown, type Judgement } from '../verdict.js';
import { paceOf, recallWaiting, wasStalled, type Progress } from '../stall.js';
import type { AppPass } from './pass.js';

const MAY_COME: ReadonlySet<string> = new Set(['SecretNotFound', 'SecretKeyMissing', 'SecretNotReadable']);
/** These go over by themselves. */
const PASSING: ReadonlySet<string> = new Set(['GraphUnavailable', 'RateLimited']);
/** With Manage the operator is about to mend these. */
const MENDED: ReadonlySet<string> = new Set(['NotSubscribed', 'CallbackMismatch', 'Inactive', 'FieldsMissing']);

export interface ComposedApp {
  readonly status: MessengerAppStatus;
  readonly ready: Judgement;
  readonly wakeMs: number | undefined;
}

/** Makes the whole status out of what there was and what this pass found out. */
export function composeAppStatus(pass: AppPass, times: { readonly nowMs: number; readonly monotonicMs: number }): ComposedApp {
  const { app, report, memory } = pass;
  const generation = app.metadata.generation ?? 0;
  const at = { generation, nowMs: times.nowMs };
  const before = app.status?.conditions;
  const aspects = conditionsFrom(before, report.judged, APP_CONDITIONS, at);
  const { ready, progress } = readinessOf(app, aspects);
  recallWaiting(memory, ready.reason, wasStalled(before, ready.reason, generation), times.monotonicMs);
  const { stalled, wakeMs } = paceOf(progress, ready.reason, memory, times.monotonicMs);
  const abnormal = progress === 'done' || progress === 'suspended' ? undefined : stalled ? 'Stalled' : 'Reconciling';
  const sum = (type: string): Judgement | 'gone' => (abnormal === type ? { ...ready, status: 'True' } : 'gone');
  const summary = new Map<string, Judgement | 'gone'>([
    ['Ready', ready],
    ['Reconciling', sum('Reconciling')],
    ['Stalled', sum('Stalled')],
  ]);
  const [first, ...rest] = conditionsFrom(before, summary, [...summary.keys()], at);
  const conditions = [...(first === undefined ? [] : [first]), ...aspects, ...rest];
  const readyPages = pass.pages.filter(({ status }) => findCondition(status?.conditions, 'Ready')?.status === 'True').length;
  const pages = { total: pass.pages.length, ready: readyPages };
  const status = { ...app.status, ...report.patch, observedGeneration: generation, conditions, pages };
  if (app.spec.webhook?.subscription === 'Ignore') delete status.subscription;
  return { status, ready, wakeMs };
}

function readinessOf(app: MessengerApp, conditions: readonly Condition[]): { ready: Judgement; progress: Progress } {
  if (app.spec.suspend === true) {
    const ready = bad(
      'Suspended',
      'spec.suspend is true: nothing is written to Graph for the app and its pages; events are still delivered',
    );
    return { ready, progress: 'suspended' };
  }
  const { subscription } = app.spec.webhook ?? {};
  const failing = APP_CONDITIONS.filter((type) => type !== 'Subscribed' || subscription !== 'Ignore').find(
    (type) => findCondition(conditions, type)?.status !== 'True',
  );
  if (failing === undefined) return { ready: good('the app is accepted and Graph answers', 'Ready'), progress: 'done' };
  // An app that could never be asked about has no word on its credentials: why it could not is what counts.
  const condition = findCondition(conditions, failing) ?? findCondition(conditions, 'GraphReachable');
  if (condition === undefined || condition.status === 'True')
    return { ready: unknown('GraphUnavailable', 'Graph could not be asked yet'), progress: 'reconciling' };
  return { ready: bad(condition.reason, condition.message), progress: progressOf(failing, condition.reason, subscription === 'Manage') };
}

function progressOf(type: AppConditionType, reason: string, manage: boolean): Progress {
  if (MAY_COME.has(reason)) return 'may_come';
  if (PASSING.has(reason)) return 'reconciling';
  if (reason === 'Observed') return 'suspended';
  return type === 'Subscribed' && manage && MENDED.has(reason) ? 'reconciling' : 'stalled';
}
