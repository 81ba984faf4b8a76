import { rename, readFile, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { statusBody } from '../../support/fault-proxy-rules.js';
import { ROLES, type Role } from '../../support/operator.js';
import { RELEASE } from '../../support/operator-chart.js';
import { secret } from '../../support/page-manifests.js';
import { NAMESPACE } from '../../support/page-world.js';
import type { FaultCase } from './fault-case.js';
import type { FaultWorld } from './fault-world.js';
import { ruleOf, WATCHERS } from './kinds.js';

const RESTORED_WITHIN_MS = 120_000;

/** A crash of the API server; meanwhile nobody can write. */
export function apiServerKilled({ world: { cluster } }: FaultWorld): FaultCase {
  return {
    parts: [{ name: 'API server killed and started', watchers: WATCHERS, events: ['watch_failed', 'list'] }],
    duringMs: 0,
    writes: false,
    begin: async () => {
      await cluster.killApiServer();
      return () => cluster.startApiServer();
    },
  };
}

/**
 * A stop of API server and etcd; `copied` is told where the copy of etcd is that was made
 * meanwhile.
 */
export function serversRestarted({ world: { cluster } }: FaultWorld, copied: (folder: string) => void): FaultCase {
  return {
    parts: [{ name: 'API server and etcd stopped and started', watchers: WATCHERS, events: ['watch_failed', 'list'] }],
    duringMs: 0,
    writes: false,
    begin: () =>
      Promise.resolve(async () => {
        copied(await cluster.snapshotEtcd());
      }),
  };
}

/**
 * What was written since the copy never happened; `forget` makes the expectations forget it too.
 */
export function etcdRestored({ world: { cluster } }: FaultWorld, copy: string, forget: () => void): FaultCase {
  return {
    parts: [{ name: 'etcd restored to an older revision', watchers: WATCHERS, events: ['list', 'reset'] }],
    duringMs: 0,
    writes: false,
    withinMs: RESTORED_WITHIN_MS,
    begin: () =>
      Promise.resolve(async () => {
        forget();
        await cluster.restoreEtcd(copy);
      }),
  };
}

/** The tokens that the roles have are refused, and their files hold new ones a little later. */
export function tokensReplaced({ proxy, world: { cluster, operator } }: FaultWorld, duringMs: number): FaultCase {
  return {
    parts: [{ name: 'token files replaced, old tokens refused', watchers: WATCHERS, events: ['error_event', 'list_failed'] }],
    duringMs,
    begin: async () => {
      const fresh = await Promise.all(ROLES.map((role) => cluster.requestToken(RELEASE, `${RELEASE}-${role}`)));
      const old = await Promise.all(ROLES.map((role) => readFile(operator.tokenFiles[role], 'utf8')));
      // For ever: who still used one would fail from here on. Watches that are open end with it.
      const body = statusBody(401, 'Unauthorized');
      for (const token of old) proxy.inject({ fault: { kind: 'status', code: 401, body }, token });
      return async () => {
        await Promise.all(ROLES.map((role, index) => replaceFile(operator.tokenFiles[role], fresh[index] ?? '')));
      };
    },
  };
}

/** As the kubelet does it: never half a file. */
async function replaceFile(path: string, text: string): Promise<void> {
  await writeFile(`${path}.new`, text, { mode: 0o600 });
  await rename(`${path}.new`, path);
}

/**
 * Secrets that are in use vanish for a time, and come back as they were: nothing may be seen of it.
 */
export function secretsRecreated(faults: FaultWorld, duringMs: number): FaultCase {
  const { world, known, signingSecret } = faults;
  const [page] = known;
  const kept = [
    secret({ name: page?.place.name ?? '', namespace: NAMESPACE }, { token: page?.token ?? '' }),
    secret(world.app.place, { appSecret: world.app.appSecret, verifyToken: world.app.verifyToken }),
    secret({ name: 'signing', namespace: NAMESPACE }, { secret: signingSecret }),
  ];
  return {
    parts: [
      {
        name: `token, app and signing Secret away for ${Math.round(duringMs / 1_000)} s`,
        watchers: WATCHERS.filter(({ kind }) => kind === 'secrets'),
        events: ['event'],
      },
    ],
    duringMs,
    writes: false,
    begin: async () => {
      const before = await statuses(faults);
      for (const { metadata } of kept) await world.cluster.admin.delete(`/api/v1/namespaces/${NAMESPACE}/secrets/${metadata.name}`);
      await delay(duringMs);
      const after = await statuses(faults);
      const flipped = [...before.keys()].filter((name) => before.get(name) !== after.get(name));
      return async () => {
        await world.apply(...kept);
        if (flipped.length > 0) throw new Error(`conditions flipped while Secrets were away: ${flipped.join(', ')}`);
      };
    },
  };
}

/**
 * name → its conditions, by type, status and reason, of the app and of every page that nobody
 * touches.
 */
async function statuses(faults: FaultWorld): Promise<ReadonlyMap<string, string>> {
  const app = await faults.world.appObject(faults.world.app.place);
  const untouched = new Set([faults.special.signed, ...faults.known].map(({ place }) => place.name));
  const pages = (await faults.pages()).filter(({ metadata }) => untouched.has(metadata.name));
  const objects = [...pages, ...(app === undefined ? [] : [app])];
  const text = (conditions: readonly { type: string; status: string; reason: string }[] = []): string =>
    conditions.map(({ type, status, reason }) => `${type}=${status} ${reason}`).join(', ');
  return new Map(objects.map(({ kind = '', metadata, status }) => [`${kind} ${metadata.name}`, text(status?.conditions)]));
}

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

interface Grant {
  readonly role: Role;
  readonly path: string;
}

const RBAC = '/apis/rbac.authorization.k8s.io/v1';
const NEVER_GRANTED = 'none.messenger-operator.dev';

/** Every role object of the three, save the controller's for its own Lease. */
const GRANTS: readonly Grant[] = [
  ...ROLES.map((role) => ({ role, path: `${RBAC}/clusterroles/${RELEASE}-${role}` })),
  ...[NAMESPACE, 'guests'].map((namespace) => ({
    role: 'webhook' as const,
    path: `${RBAC}/namespaces/${namespace}/roles/${RELEASE}-webhook-secrets`,
  })),
];

/** Verbs on these resources are taken from every role and given back. */
export function verbsRemoved(
  faults: FaultWorld,
  { resources, verbs, duringMs }: { readonly resources: readonly string[]; readonly verbs: readonly string[]; readonly duringMs: number },
): FaultCase {
  const { world, proxy } = faults;
  const { admin } = world.cluster;
  const watchers = WATCHERS.filter(({ kind }) => resources.includes(kind));
  const name = `RBAC: ${verbs.join(' and ')} of ${resources.length > 1 ? 'all kinds' : resources.join()} removed`;
  const refused = 'controller messenger_kube_requests_total{method="PATCH",status="4xx"}';
  return {
    parts: [{ name, watchers, events: ['forbidden'], series: watchers.length === 0 ? [refused] : [] }],
    duringMs,
    begin: async () => {
      for (const role of ROLES)
        for (const resource of resources)
          for (const verb of verbs) {
            world.cluster.expectRefusals({ role, verb, resource, because: 'the fault suite takes the verb away and gives it back' });
          }
      const before = await Promise.all(GRANTS.map(async ({ path }) => ({ path, ...(await admin.get<{ rules: readonly Rule[] }>(path)) })));
      for (const { path, rules } of before) await admin.patch(path, { rules: without(rules, resources, verbs) });
      // A watch that is open is not asked again: it ends in a way that a list has to follow.
      const fault = { kind: 'status', code: 410, body: statusBody(410, 'Expired') } as const;
      await delay(AUTHORIZER_LAG_MS);
      for (const watcher of watchers) proxy.inject({ fault, ...ruleOf(watcher), watches: true }).heal();
      return async () => {
        for (const { path, rules } of before) await admin.patch(path, { rules });
      };
    },
  };
}

/** The API server's authorizer follows roles by watches of its own. */
const AUTHORIZER_LAG_MS = 300;

function without(rules: readonly Rule[], resources: readonly string[], verbs: readonly string[]): readonly Rule[] {
  const split = rules.flatMap((rule) => rule.resources.map((resource) => ({ ...rule, resources: [resource] })));
  const left = split
    .map((rule) =>
      resources.includes(rule.resources[0] ?? '') ? { ...rule, verbs: rule.verbs.filter((verb) => !verbs.includes(verb)) } : rule,
    )
    .filter((rule) => rule.verbs.length > 0);
  // A role without rules is none that can be patched back by its rules alone.
  return left.length > 0 ? left : [{ apiGroups: [NEVER_GRANTED], resources: ['none'], verbs: ['get'] }];
}
