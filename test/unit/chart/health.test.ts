import { describe, expect, it } from '@jest/globals';
import { argoHealth, argoScripts } from '../../support/argo-health.js';
import type { KubeObject } from '../../support/control-plane-client.js';
import { kstatusOf, waitsForReady, type KStatus, type WatchedCondition } from '../../support/kstatus.js';

interface Case {
  readonly what: string;
  readonly observed?: number | null;
  readonly conditions?: readonly WatchedCondition[];
  readonly deleted?: boolean;
  readonly argo: string;
  readonly kstatus: KStatus;
  readonly wait: boolean;
}

const GENERATION = 3;
const is = (
  type: string,
  status = 'True',
  reason = 'Because',
  observedGeneration = GENERATION,
): WatchedCondition & { message: string } => ({
  ...{ type, status, reason, observedGeneration },
  message: `"${type}" is\n${status}`,
});

const CASES: readonly Case[] = [
  { what: 'nothing looked at', observed: -1, argo: 'Progressing', kstatus: 'InProgress', wait: false },
  { what: 'Ready', conditions: [is('Ready')], argo: 'Healthy', kstatus: 'Current', wait: true },
  {
    ...{ what: 'Ready of an older generation', observed: 2, conditions: [is('Ready', 'True', 'Ready', 2)] },
    ...{ argo: 'Progressing', kstatus: 'InProgress', wait: false },
  },
  {
    ...{ what: 'not Ready, still trying', conditions: [is('Ready', 'False'), is('Reconciling')] },
    ...{ argo: 'Progressing', kstatus: 'InProgress', wait: false },
  },
  {
    ...{ what: 'not Ready, and waiting for somebody', conditions: [is('Ready', 'False'), is('Stalled')] },
    ...{ argo: 'Degraded', kstatus: 'Failed', wait: false },
  },
  { what: 'suspended', conditions: [is('Ready', 'False', 'Suspended')], argo: 'Suspended', kstatus: 'InProgress', wait: false },
  { what: 'Ready is Unknown', conditions: [is('Ready', 'Unknown')], argo: 'Progressing', kstatus: 'InProgress', wait: false },
  {
    what: 'being deleted, Ready before',
    conditions: [is('Ready')],
    deleted: true,
    argo: 'Progressing',
    kstatus: 'Terminating',
    wait: true,
  },
];

function objectOf(kind: string, { observed = GENERATION, conditions = [], deleted = false }: Case): KubeObject {
  const metadata = { name: 'one', generation: GENERATION, ...(deleted ? { deletionTimestamp: '2026-01-01T00:00:00Z' } : {}) };
  return {
    apiVersion: 'messenger-operator.dev/v1alpha1',
    kind,
    metadata,
    status: { observedGeneration: observed, conditions, nothing: null },
  };
}

describe.each([...argoScripts()])('the health check for Argo CD of a %s', (kind, script) => {
  it.each(CASES)('$what: $argo', (one) => {
    const health = argoHealth(script, objectOf(kind, one));

    expect(health.status).toBe(one.argo);
    expect(health.message).not.toBe('');
  });

  it('says what the condition says', () => {
    expect(argoHealth(script, objectOf(kind, CASES[4] ?? CASES[0] ?? never())).message).toBe('"Stalled" is\nTrue');
  });

  it('waits for an object without a status', () => {
    const { apiVersion, metadata } = objectOf(kind, CASES[0] ?? never());

    expect(argoHealth(script, { apiVersion, kind, metadata }).status).toBe('Progressing');
  });
});

describe('the rules of kstatus and of kubectl wait, as the tests have them', () => {
  it.each(CASES)('$what: $kstatus, and the wait is over: $wait', (one) => {
    const object = objectOf('MessengerPage', one);

    expect([kstatusOf(object), waitsForReady(object)]).toEqual([one.kstatus, one.wait]);
  });

  it('believe an object without generations and conditions', () => {
    expect(kstatusOf({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'one' } })).toBe('Current');
  });
});

describe('deploy/argocd', () => {
  it('has a health check for both kinds', () => {
    expect([...argoScripts().keys()]).toEqual(['MessengerApp', 'MessengerPage']);
  });
});

function never(): never {
  throw new Error('there are cases');
}
