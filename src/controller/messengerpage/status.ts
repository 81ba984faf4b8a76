import type { Condition } from '../../api/meta.js';
import { PAGE_CONDITIONS } from '../../api/v1alpha1/conditions.js';
import type { MessengerPageStatus } from '../../api/v1alpha1/types.gen.js';
import { backendText } from '../../core/domain/effective-spec.js';
import { reconcileRequestOf } from '../../relations/relations.js';
import { conditionsFrom, type Judgement } from '../verdict.js';
import { paceOf, recallWaiting, wasStalled } from '../stall.js';
import type { PagePass } from './pass.js';
import { readinessOf, type Readiness, type ReadinessOptions } from './readiness.js';

export interface Composed {
  readonly status: MessengerPageStatus;
  readonly readiness: Readiness;
  /** Stalled in the end, also of what might have come and has not. */
  readonly stalled: boolean;
  /** When another look is due because of how the page stands; undefined: the usual drift check. */
  readonly wakeMs: number | undefined;
}

export interface Times {
  readonly nowMs: number;
  readonly monotonicMs: number;
}

/** Makes the whole status out of what there was and what this pass found out. `answered`: the request to reconcile now is dealt with. */
export function composeStatus(
  pass: PagePass,
  options: ReadinessOptions & { readonly answered: boolean },
  { nowMs, monotonicMs }: Times,
): Composed {
  const { page, report, memory } = pass;
  const generation = page.metadata.generation ?? 0;
  const before = page.status?.conditions;
  const aspects = conditionsFrom(before, report.judged, PAGE_CONDITIONS, { generation, nowMs });
  const readiness = readinessOf(aspects, options);
  const what = `${readiness.failing ?? ''}/${readiness.ready.reason}`;
  recallWaiting(memory, what, wasStalled(before, readiness.ready.reason, generation), monotonicMs);
  const { stalled, wakeMs } = paceOf(readiness.progress, what, memory, monotonicMs);
  const summary = new Map<string, Judgement | 'gone'>([
    ['Ready', readiness.ready],
    ['Reconciling', abnormal(readiness, !stalled)],
    ['Stalled', abnormal(readiness, stalled)],
  ]);
  const [ready, ...abnormals] = conditionsFrom(before, summary, [...summary.keys()], { generation, nowMs });
  const conditions = [...(ready === undefined ? [] : [ready]), ...aspects, ...abnormals];
  return { status: statusWith(pass, conditions, options.answered), readiness, stalled, wakeMs };
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

/** Abnormal-true, and absent otherwise (kstatus). */
function abnormal({ ready, progress }: Readiness, applies: boolean): Judgement | 'gone' {
  if (!applies || progress === 'done' || progress === 'suspended') return 'gone';
  return { status: 'True', reason: ready.reason, message: ready.message };
}
