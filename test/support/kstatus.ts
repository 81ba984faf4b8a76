import type { KubeObject } from './control-plane-client.js';

/**
 * What kstatus says of an object, and with it Flux, kpt and `kubectl apply --wait` of cli-utils.
 */
export type KStatus = 'InProgress' | 'Failed' | 'Current' | 'Terminating';

export interface WatchedCondition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly observedGeneration?: number;
}

interface WatchedStatus {
  readonly observedGeneration?: number;
  readonly conditions?: readonly WatchedCondition[];
}

export function statusOf(object: KubeObject): WatchedStatus {
  return (object['status'] as WatchedStatus | undefined) ?? {};
}

/**
 * The published rules for kinds that kstatus has no special rules for, in their order: being
 * deleted, an older generation, Reconciling, Stalled, Ready; an object without any of these is
 * Current.
 */
export function kstatusOf(object: KubeObject): KStatus {
  if (object.metadata.deletionTimestamp !== undefined) return 'Terminating';
  const { observedGeneration, conditions = [] } = statusOf(object);
  if (observedGeneration !== undefined && observedGeneration !== object.metadata.generation) return 'InProgress';
  // The first of the two that is there decides.
  const abnormal = conditions.find(({ type, status }) => status === 'True' && (type === 'Reconciling' || type === 'Stalled'));
  if (abnormal !== undefined) return abnormal.type === 'Stalled' ? 'Failed' : 'InProgress';
  const ready = conditions.find(({ type }) => type === 'Ready');
  return ready === undefined || ready.status === 'True' ? 'Current' : 'InProgress';
}

/**
 * Whether `kubectl wait --for=condition=Ready` would return: the condition's own generation counts,
 * else the status' one, and an object without either is believed.
 */
export function waitsForReady(object: KubeObject): boolean {
  const { observedGeneration, conditions = [] } = statusOf(object);
  const ready = conditions.find(({ type }) => type === 'Ready');
  if (ready === undefined) return false;
  const seen = ready.observedGeneration ?? observedGeneration;
  return (seen === undefined || seen >= (object.metadata.generation ?? 0)) && ready.status === 'True';
}
