import type { Condition } from '../../api/meta.js';
import { PAGE_CONDITIONS, type PageConditionType } from '../../api/v1alpha1/conditions.js';
import { findCondition } from '../../runtime/conditions.js';
import { bad, good, unknown, type Judgement } from '../verdict.js';
import type { Progress } from '../stall.js';

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

export interface Readiness {
  readonly ready: Judgement;
  readonly progress: Progress;
  readonly failing: PageConditionType | undefined;
}

export interface ReadinessOptions {
  /** The page is not written to by its own or the operator's policy: Ready does not ask for `Subscribed`. */
  readonly observing: boolean;
  /** `spec.suspend` of the page. */
  readonly suspended: boolean;
  /** `spec.suspend` of the app: what would have to be written is not. */
  readonly appSuspended: boolean;
}

/** `Ready`: True if all conditions are, else the reason of the first that is not. */
export function readinessOf(conditions: readonly Condition[], options: ReadinessOptions): Readiness {
  if (options.suspended) {
    const ready = bad('Suspended', 'spec.suspend is true: nothing is checked or changed; events are still delivered');
    return { ready, progress: 'suspended', failing: undefined };
  }
  const wanted = PAGE_CONDITIONS.filter((type) => type !== 'Subscribed' || !options.observing);
  const failing = wanted.find((type) => findCondition(conditions, type)?.status !== 'True');
  if (failing === undefined)
    return { ready: good('the Page is subscribed and its events have a backend', 'Ready'), progress: 'done', failing };
  const condition = findCondition(conditions, failing);
  if (condition === undefined || condition.status === 'Unknown') return { ready: notKnown(condition), progress: 'reconciling', failing };
  if (condition.reason === 'Observed' && options.appSuspended) {
    return { ready: bad('Suspended', condition.message), progress: 'suspended', failing };
  }
  const progress = MAY_COME.has(condition.reason) ? 'may_come' : 'stalled';
  return { ready: bad(condition.reason, condition.message), progress, failing };
}

function notKnown(condition: Condition | undefined): Judgement {
  return unknown(condition?.reason ?? 'GraphUnavailable', condition?.message ?? 'Graph could not be asked yet');
}
