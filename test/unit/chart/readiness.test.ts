import { describe, expect, it } from '@jest/globals';
import type { KubeObject } from '../../support/control-plane-client.js';
import type { WatchedCondition } from '../../support/kstatus.js';
import { complaintsAbout, isOldReady } from '../../support/readiness-check.js';

interface Version {
  readonly generation?: number;
  readonly observed?: number;
  readonly conditions?: readonly WatchedCondition[];
  readonly deleted?: boolean;
}

const is = (type: string, status = 'True', observedGeneration = 2): WatchedCondition => ({
  type,
  status,
  reason: 'Because',
  observedGeneration,
});

function object({ generation = 2, observed = 2, conditions = [is('Ready')], deleted = false }: Version): KubeObject {
  const metadata = { name: 'one', generation, ...(deleted ? { deletionTimestamp: '2026-01-01T00:00:00Z' } : {}) };
  const status = { observedGeneration: observed, conditions };
  return { apiVersion: 'messenger-operator.dev/v1alpha1', kind: 'MessengerPage', metadata, spec: {}, status };
}

const complaints = (version: Version, canBeReady = true): readonly string[] =>
  complaintsAbout({ type: 'MODIFIED', object: object(version) }, () => canBeReady).map((text) => text.slice(0, text.indexOf(':')));

describe('the check of a watched version', () => {
  it.each<[string, Version]>([
    ['Ready', {}],
    ['Ready of an older spec, which nobody believes', { generation: 3 }],
    ['not looked at', { observed: -1, conditions: [] }],
    ['not Ready and Reconciling', { conditions: [is('Ready', 'False'), is('Reconciling')] }],
    ['a condition that is older than the status', { conditions: [is('Ready', 'False'), is('Subscribed', 'True', 1), is('Stalled')] }],
    ['being deleted', { deleted: true }],
  ])('finds nothing wrong with: %s', (_, version) => {
    expect(complaints(version)).toEqual([]);
  });

  it.each<[string, Version]>([
    // A status that claims to be about the new spec, with conditions of the old one.
    ['is ready to some and not to others', { generation: 3, observed: 3 }],
    ['has a condition of another time than its status', { generation: 3, observed: 3 }],
    ['is called ready by the status of an older spec', { generation: 3, conditions: [is('Ready', 'True', 3)] }],
    ['has a status of a spec to come', { generation: 1 }],
    ['is Reconciling and Stalled', { conditions: [is('Ready', 'False'), is('Reconciling'), is('Stalled')] }],
    ['is Ready and not done', { conditions: [is('Ready'), is('Stalled')] }],
    ['has an abnormal condition that is not True', { conditions: [is('Ready'), is('Stalled', 'False')] }],
  ])('finds that one %s', (what, version) => {
    expect(complaints(version)).toContain(`MessengerPage one ${what}`);
  });

  it('finds one that is Ready with a spec that cannot be', () => {
    expect(complaints({}, false)).toEqual(['MessengerPage one is called ready with a spec that cannot be']);
  });

  it('knows Ready of an older spec', () => {
    expect([{ generation: 3 }, {}].map((version) => isOldReady({ type: 'MODIFIED', object: object(version) }))).toEqual([true, false]);
  });
});
