import { parseAllDocuments } from 'yaml';
import type { UsageRecord } from './grant-usage.js';

/** A right that the chart gives a ServiceAccount, and how often it was used. */
export interface Grant {
  /** `namespace:name` */
  readonly account: string;
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly used: number;
}

export interface Verdict {
  readonly grants: readonly Grant[];
  readonly unused: readonly Grant[];
  /** One sentence for each refused request that no test expected. */
  readonly refused: readonly string[];
  /** One sentence for each refusal that a test expected. */
  readonly expected: readonly string[];
}

interface Rule {
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly verbs: readonly string[];
}

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly rules?: readonly Rule[];
  readonly roleRef?: { readonly kind: string; readonly name: string };
  readonly subjects?: readonly { readonly kind: string; readonly name: string; readonly namespace?: string }[];
}

/**
 * Holds the rights of rendered manifests against what was asked. A right is used when any request
 * with its verb and resource by its ServiceAccount was answered with something else than 403, in
 * any namespace.
 */
export function judgeGrants(yamls: readonly string[], records: readonly UsageRecord[]): Verdict {
  const rights = new Map<string, Omit<Grant, 'used'>>(yamls.flatMap(rightsOf).map((right) => [keyOf(right), right]));
  const used = new Map<string, number>();
  for (const use of records.flatMap(({ uses }) => uses)) {
    const served = Object.entries(use.codes).reduce((sum, [code, count]) => sum + (code === '403' ? 0 : count), 0);
    used.set(keyOf(use), (used.get(keyOf(use)) ?? 0) + served);
  }
  const grants = [...rights.values()].map((right) => ({ ...right, used: used.get(keyOf(right)) ?? 0 })).sort(inOrder);
  const accounts = new Set(grants.map(({ account }) => account));
  return {
    grants,
    unused: grants.filter((grant) => grant.used === 0),
    refused: records.flatMap(({ file, refused }) =>
      refused
        .filter(({ account }) => accounts.has(account))
        .map(({ account, verb, uri, count, message }) => `${file}: ${account} ${verb} ${uri} (${count} times): ${message}`),
    ),
    expected: records.flatMap(({ file, expected }) => expected.map(({ because, count }) => `${file}: ${because} (${count} times)`)),
  };
}

/**
 * What is granted to ServiceAccounts by bindings among the manifests; roles for people, which
 * nothing binds, do not count.
 */
function rightsOf(yaml: string): readonly Omit<Grant, 'used'>[] {
  const manifests = parseAllDocuments(yaml)
    .map((document) => document.toJS() as Manifest | null)
    .filter((one) => one !== null);
  return manifests.flatMap(({ roleRef, subjects = [], metadata }) => {
    if (roleRef === undefined) return [];
    const role = manifests.find(
      (one) =>
        one.kind === roleRef.kind &&
        one.metadata.name === roleRef.name &&
        (one.kind === 'ClusterRole' || one.metadata.namespace === metadata.namespace),
    );
    return subjects
      .filter(({ kind }) => kind === 'ServiceAccount')
      .flatMap(({ namespace = '', name }) => (role?.rules ?? []).flatMap((rule) => spread(`${namespace}:${name}`, rule)));
  });
}

function spread(account: string, { apiGroups = [], resources = [], verbs }: Rule): readonly Omit<Grant, 'used'>[] {
  return apiGroups.flatMap((group) => resources.flatMap((resource) => verbs.map((verb) => ({ account, verb, group, resource }))));
}

function keyOf({ account, verb, group, resource }: Omit<Grant, 'used'>): string {
  return [account, group, resource, verb].join(' ');
}

function inOrder(a: Grant, b: Grant): number {
  return keyOf(a) < keyOf(b) ? -1 : 1;
}
