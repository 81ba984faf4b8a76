import { describe, expect, it } from '@jest/globals';
import type { AuditEntry } from '../../support/control-plane-audit.js';
import { judgeGrants } from '../../support/grant-check.js';
import { UsageSums, type ExpectedRefusal, type Interval } from '../../support/grant-usage.js';

const CHART = `
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: { name: op-webhook }
rules:
  - { apiGroups: [''], resources: [services, secrets], verbs: [list, watch] }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: { name: op-webhook }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: op-webhook }
subjects: [{ kind: ServiceAccount, name: op-webhook, namespace: op }]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: { name: op-view }
rules:
  - { apiGroups: [''], resources: [pods], verbs: [get] }
`;

interface Ask {
  readonly verb: string;
  readonly resource: string;
  readonly code?: number;
  readonly user?: string;
  readonly decision?: 'allow' | 'forbid';
  readonly stage?: 'ResponseStarted';
}

function entry({ verb, resource, code = 200, user = 'system:serviceaccount:op:op-webhook', decision, stage }: Ask): AuditEntry {
  const [plural = '', subresource] = resource.split('/');
  return {
    stage: stage ?? 'ResponseComplete',
    verb,
    requestURI: `/api/v1/namespaces/bots/${plural}?limit=500`,
    user: { username: user },
    objectRef: { resource: plural, namespace: 'bots', ...(subresource === undefined ? {} : { subresource }) },
    responseStatus: { code, message: 'no' },
    annotations: { 'authorization.k8s.io/decision': decision ?? (code === 403 ? 'forbid' : 'allow') },
    requestReceivedTimestamp: '2026-01-01T00:00:10.000000Z',
  };
}

function verdictOn(asks: readonly Ask[], expected: readonly ExpectedRefusal[] = [], starts: readonly Interval[] = []) {
  const sums = new UsageSums(expected, starts);
  for (const ask of asks) sums.add(entry(ask));
  return judgeGrants([CHART, CHART], [sums.record('one.test.ts')]);
}

const ALL: readonly Ask[] = ['services', 'secrets'].flatMap((resource) => [
  { verb: 'list', resource },
  { verb: 'watch', resource, stage: 'ResponseStarted' },
]);

describe('the check of grants', () => {
  it('finds every right of the bound ServiceAccounts used, and asks for nothing of what nobody is bound to', () => {
    const { grants, unused, refused } = verdictOn(ALL);

    expect(grants.map(({ account, verb, resource, used }) => [account, verb, resource, used])).toEqual([
      ['op:op-webhook', 'list', 'secrets', 1],
      ['op:op-webhook', 'watch', 'secrets', 1],
      ['op:op-webhook', 'list', 'services', 1],
      ['op:op-webhook', 'watch', 'services', 1],
    ]);
    expect([unused, refused]).toEqual([[], []]);
  });

  it('finds a right that nothing used, or that only others used, or only in vain', () => {
    const others = {
      verb: 'watch',
      resource: 'services',
      user: 'system:serviceaccount:op:op-controller',
      stage: 'ResponseStarted',
    } as const;
    const inVain = { verb: 'list', resource: 'secrets', code: 403 };

    const { unused } = verdictOn([ALL[0] ?? inVain, ALL[3] ?? inVain, others, inVain, { verb: 'watch', resource: 'services/status' }]);

    expect(unused.map(({ verb, resource }) => `${verb} ${resource}`)).toEqual(['list secrets', 'watch services']);
  });

  it('counts a watch once, though its end is in the log as well', () => {
    const { grants } = verdictOn([...ALL, { verb: 'watch', resource: 'services' }]);

    expect(grants.find(({ verb, resource }) => verb === 'watch' && resource === 'services')?.used).toBe(1);
  });

  it('tells of every kind of refused request, with its number', () => {
    const { refused } = verdictOn([...ALL, ...Array.from({ length: 3 }, () => ({ verb: 'get', resource: 'secrets', code: 403 }))]);

    expect(refused).toEqual(['one.test.ts: op:op-webhook get /api/v1/namespaces/bots/secrets?limit=500 (3 times): no']);
  });

  it('says nothing of refusals to others, and of what a test expects', () => {
    const expected = [{ role: 'webhook', verb: 'get', resource: 'secrets', namespace: 'bots', because: 'it shows the missing Role' }];
    const asks = [
      { verb: 'get', resource: 'secrets', code: 403 },
      { verb: 'delete', resource: 'pods', code: 403, user: 'system:serviceaccount:bots:bot' },
      { verb: 'delete', resource: 'pods', code: 403, user: 'system:serviceaccount:kube-system:namespace-controller' },
    ];

    const { refused, expected: met } = verdictOn([...ALL, ...asks], expected);

    expect(refused).toEqual([]);
    expect(met).toEqual(['one.test.ts: it shows the missing Role (1 times)']);
  });

  it.each<[string, Partial<ExpectedRefusal>]>([
    ['role', { role: 'controller' }],
    ['verb', { verb: 'list' }],
    ['resource', { resource: 'services' }],
    ['namespace', { namespace: 'shop' }],
  ])('expects nothing of another %s', (_, other) => {
    const expected = { role: 'webhook', verb: 'get', resource: 'secrets', namespace: 'bots', because: 'x', ...other };

    expect(verdictOn([...ALL, { verb: 'get', resource: 'secrets', code: 403 }], [expected]).refused).toHaveLength(1);
  });

  it('forgives what a starting API server refuses, and no later refusal', () => {
    const asks = [...ALL, { verb: 'get', resource: 'secrets', code: 403 }];
    const at = Date.parse('2026-01-01T00:00:10Z');

    expect(verdictOn(asks, [], [{ fromMs: at - 1_000, toMs: at + 1_000 }]).refused).toEqual([]);
    expect(verdictOn(asks, [], [{ fromMs: at - 2_000, toMs: at - 1_000 }]).refused).toHaveLength(1);
  });

  it('forgives an Event that a namespace takes no more, but not one for which a right is missing', () => {
    const event = { verb: 'create', resource: 'events', code: 403 };

    expect(verdictOn([...ALL, { ...event, decision: 'allow' }]).refused).toEqual([]);
    expect(verdictOn([...ALL, { ...event, decision: 'forbid' }]).refused).toHaveLength(1);
  });
});
