import { argoHealth, argoScripts, type ArgoHealth } from './argo-health.js';
import type { KubeObject } from './control-plane-client.js';
import { kstatusOf, statusOf, waitsForReady, type KStatus, type WatchedCondition } from './kstatus.js';
import type { WatchedVersion } from './raw-watch.js';

/** What the three who look at readiness say of one version of an object. */
export interface Verdicts {
  readonly kstatus: KStatus;
  /** kubectl wait would return. */
  readonly waited: boolean;
  readonly argo: ArgoHealth['status'];
}

const scripts = argoScripts();

export function verdictsOn(object: KubeObject): Verdicts {
  const script = scripts.get(object.kind);
  if (script === undefined) throw new Error(`Argo CD has no health check for ${object.kind}`);
  return { kstatus: kstatusOf(object), waited: waitsForReady(object), argo: argoHealth(script, object).status };
}

/** Whether a status is about an older spec, and says Ready of that: what must deceive no reader. */
export function isOldReady({ object }: WatchedVersion): boolean {
  const { observedGeneration, conditions = [] } = statusOf(object);
  return observedGeneration !== object.metadata.generation && conditions.some(({ type, status }) => type === 'Ready' && status === 'True');
}

interface Facts extends Verdicts {
  readonly generation: number;
  /** NaN where it is missing. */
  readonly observed: number;
  readonly deleted: boolean;
  readonly canBeReady: boolean;
  /** Whether anybody calls it ready. */
  readonly praised: boolean;
  readonly conditions: readonly WatchedCondition[];
}

const ABNORMAL = ['Reconciling', 'Stalled'];
const SUMMARY = ['Ready', ...ABNORMAL];

const holds = ({ conditions }: Facts, wanted: string): boolean =>
  conditions.some(({ type, status }) => type === wanted && status === 'True');

/** What must not be, one sentence for each. */
const RULES: readonly (readonly [string, (facts: Facts) => boolean])[] = [
  ['has no observedGeneration', ({ observed }) => Number.isNaN(observed)],
  ['has a status of a spec to come', ({ observed, generation }) => observed > generation],
  ['is called ready by the status of an older spec', ({ praised, observed, generation }) => praised && observed !== generation],
  ['is called ready with a spec that cannot be', ({ praised, canBeReady }) => praised && !canBeReady],
  [
    'is ready to some and not to others',
    ({ deleted, kstatus, waited, argo }) => !deleted && new Set([kstatus === 'Current', waited, argo === 'Healthy']).size > 1,
  ],
  ['is being deleted, and called ready', ({ deleted, kstatus, argo }) => deleted && (kstatus !== 'Terminating' || argo === 'Healthy')],
  ['is Reconciling and Stalled', (facts) => ABNORMAL.every((type) => holds(facts, type))],
  ['is Ready and not done', (facts) => holds(facts, 'Ready') && ABNORMAL.some((type) => holds(facts, type))],
  [
    'has an abnormal condition that is not True',
    ({ conditions }) => conditions.some(({ type, status }) => ABNORMAL.includes(type) && status !== 'True'),
  ],
  [
    'has a condition of another time than its status',
    ({ conditions, observed }) =>
      conditions.some(({ type, observedGeneration = NaN }) =>
        SUMMARY.includes(type) ? observedGeneration !== observed : !(observedGeneration <= observed),
      ),
  ],
];

/**
 * What is wrong with one version, one sentence for each. `canBeReady`: whether its spec is one that
 * can become Ready at all.
 */
export function complaintsAbout({ type, object }: WatchedVersion, canBeReady: (spec: object) => boolean): readonly string[] {
  if (type === 'DELETED') return [];
  const facts = factsOf(object, canBeReady);
  return RULES.filter(([, broken]) => broken(facts)).map(([what]) => `${object.kind} ${object.metadata.name} ${what}: ${inWords(facts)}`);
}

function factsOf(object: KubeObject, canBeReady: (spec: object) => boolean): Facts {
  const { generation = 0, deletionTimestamp } = object.metadata;
  const { observedGeneration: observed = NaN, conditions = [] } = statusOf(object);
  const verdicts = verdictsOn(object);
  const praised = verdicts.kstatus === 'Current' || verdicts.argo === 'Healthy' || verdicts.waited;
  const spec = object['spec'] as object;
  return { ...verdicts, praised, generation, observed, conditions, deleted: deletionTimestamp !== undefined, canBeReady: canBeReady(spec) };
}

function inWords({ generation, observed, conditions, kstatus, waited, argo }: Facts): string {
  const seen = conditions.map(({ type, status, observedGeneration = NaN }) => `${type}=${status}@${observedGeneration}`).join(' ');
  return `generation ${generation}, observed ${observed}, ${seen}; kstatus ${kstatus}, kubectl ${waited ? 'is done' : 'waits'}, Argo CD ${argo}`;
}
