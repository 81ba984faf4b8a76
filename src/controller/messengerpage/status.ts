import type { Condition } from '../../api/meta.js';
import { PAGE_CONDITIONS, type PageConditionType } from '../../api/v1alpha1/conditions.js';
import type { MessengerPageStatus } from '../../api/v1alpha1/types.gen.js';
import { backendText } from '../../core/domain/effective-spec.js';
import { reconcileRequestOf } from '../../relations/relations.js';
import { findCondition, isConditionTrue } from '../../runtime/conditions.js';
import { recallWaiting, stallOf, wasStalled, type ObjectState } from '../stall.js';
import { bad, conditionsFrom, good, unknown, type Verdict } from '../verdict.js';
import type { PagePass } from './pass.js';

/** What is missing may still be created. */
const MAY_COME: ReadonlySet<string> = new Set([
  'AppNotFound',
  'AppNotAllowed',
  'AppNotAccepted',
  'SecretNotFound',
  'SecretKeyMissing',
  'SecretNotReadable',
  'BackendNotFound',
  'SigningSecretNotFound',
  'AppFieldsMissing',
]);

export interface StatusOptions {
  /**
   * The page is not written to by its own or the operator's policy: Ready does not ask for
   * `Subscribed`.
   */
  readonly observing: boolean;
  /** `spec.suspend` of the page. */
  readonly suspended: boolean;
  /** `spec.suspend` of the app: what would have to be written is not. */
  readonly appSuspended: boolean;
  /** The request to reconcile now is dealt with. */
  readonly answered: boolean;
  readonly nowMs: number;
  readonly monotonicMs: number;
}

export interface ReadySummary {
  readonly ready: Verdict;
  readonly state: ObjectState;
  readonly failing: PageConditionType | undefined;
}

export interface Composed {
  readonly status: MessengerPageStatus;
  readonly summary: ReadySummary;
  /** Stalled in the end, also because of what might have come and did not. */
  readonly stalled: boolean;
  /**
   * When the next pass is due because of how the page stands; undefined: at the usual drift check.
   */
  readonly wakeMs: number | undefined;
}

/** Makes the whole status from what there was and what this pass found out. */
export function composeStatus(pass: PagePass, options: StatusOptions): Composed {
  const { page, report, memory } = pass;
  const { nowMs, monotonicMs } = options;
  const at = { generation: page.metadata.generation ?? 0, nowMs };
  const before = page.status?.conditions;
  const aspects = conditionsFrom(before, report.judged, PAGE_CONDITIONS, at);
  const summary = summaryOf(aspects, options);
  const what = `${summary.failing ?? ''}/${summary.ready.reason}`;
  recallWaiting(memory, what, wasStalled(before, summary.ready.reason, at.generation), monotonicMs);
  const { stalled, wakeMs } = stallOf(summary.state, what, memory, monotonicMs);
  const verdicts = new Map<string, Verdict | 'gone'>([
    ['Ready', summary.ready],
    ['Reconciling', abnormal(summary, !stalled)],
    ['Stalled', abnormal(summary, stalled)],
  ]);
  const [ready, ...abnormals] = conditionsFrom(before, verdicts, [...verdicts.keys()], at);
  const conditions = [...(ready === undefined ? [] : [ready]), ...aspects, ...abnormals];
  return { status: statusWith(pass, conditions, options.answered), summary, stalled, wakeMs };
}

function statusWith({ page, spec, report, memory }: PagePass, conditions: readonly Condition[], answered: boolean): MessengerPageStatus {
  const { lastWriteTime, pageName } = report.patch;
  memory.facts = { ...memory.facts, ...(lastWriteTime && { lastWriteTime }), ...(pageName && { pageName }) };
  const request = answered ? reconcileRequestOf(page) : undefined;
  return {
    ...page.status,
    ...memory.facts,
    ...report.patch,
    observedGeneration: page.metadata.generation ?? 0,
    conditions,
    effective: {
      deletionPolicy: spec.deletionPolicy,
      ...(spec.backend === undefined ? {} : { backend: backendText(spec.backend) }),
    },
    ...(request === undefined ? {} : { lastHandledReconcileAt: request }),
  };
}

/** `Ready`: True if all conditions are, else the reason of the first that is not. */
function summaryOf(conditions: readonly Condition[], options: StatusOptions): ReadySummary {
  if (options.suspended) {
    const ready = bad('Suspended', 'spec.suspend is true: nothing is checked or changed; events are still delivered');
    return { ready, state: 'suspended', failing: undefined };
  }
  const wanted = PAGE_CONDITIONS.filter((type) => type !== 'Subscribed' || !options.observing);
  const failing = wanted.find((type) => !isConditionTrue(conditions, type));
  if (failing === undefined)
    return { ready: good('the Page is subscribed and its events have a backend', 'Ready'), state: 'done', failing };
  const condition = findCondition(conditions, failing);
  if (condition === undefined || condition.status === 'Unknown') return { ready: notKnown(condition), state: 'reconciling', failing };
  if (condition.reason === 'Observed' && options.appSuspended) {
    return { ready: bad('Suspended', condition.message), state: 'suspended', failing };
  }
  const state = MAY_COME.has(condition.reason) ? 'may_come' : 'stalled';
  return { ready: bad(condition.reason, condition.message), state, failing };
}

function notKnown(condition: Condition | undefined): Verdict {
  return unknown(condition?.reason ?? 'GraphUnavailable', condition?.message ?? 'Graph could not be asked yet');
}

/** Abnormal-true, and absent otherwise (kstatus). */
function abnormal({ ready, state }: ReadySummary, applies: boolean): Verdict | 'gone' {
  if (!applies || state === 'done' || state === 'suspended') return 'gone';
  return { ...ready, status: 'True' };
}
