import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { APPS, PAGES } from '../../src/api/kinds.js';
import { KubeCluster } from '../../src/k8s/kube-cluster.js';
import type { KubeClient } from '../../src/k8s/kube-http.js';
import { systemClock } from '../../src/kit/clock.js';
import { PageIndex } from '../../src/routing/page-index.js';
import { eventually } from '../support/eventually.js';
import { grant, namespaceNamed } from '../support/page-manifests.js';
import { NAMESPACE, RuntimeWorld } from '../support/runtime-world.js';

const GONE = 'team-that-went-away';
const READ = ['list', 'watch'];
const RULES = [
  { apiGroups: ['messenger-operator.dev'], resources: ['messengerpages', 'messengerapps'], verbs: READ },
  { apiGroups: [''], resources: ['services', 'secrets'], verbs: READ },
];

let world: RuntimeWorld;
let client: KubeClient;

beforeAll(async () => {
  world = await RuntimeWorld.start();
  client = await world.clientOf('webhook');
  for (const one of grant({ name: 'webhook', namespace: NAMESPACE }, `${NAMESPACE}:webhook`, RULES)) await world.plane.admin.apply(one);
}, 150_000);

afterAll(async () => {
  await world.stop();
}, 60_000);

describe('a webhook that may not list one of its namespaces', () => {
  it('is synced without it, names it, and follows it as soon as it may', async () => {
    const cluster = new KubeCluster({
      ...{ client, clock: systemClock, log: world.log, role: 'webhook', secretGraceMs: 600_000, lead: undefined },
      watchNamespaces: [NAMESPACE, GONE],
      secretNamespaces: [NAMESPACE, GONE],
      timing: { forbiddenRetryMs: 300 },
    });
    const { services, namespaces, secrets } = cluster;
    const [pages, apps] = [cluster.kind(PAGES).informer, cluster.kind(APPS).informer];
    const index = new PageIndex({ clock: systemClock, className: '', pages, apps, services, namespaces, secrets });
    world.run((signal) => {
      cluster.start(signal);
      return Promise.resolve();
    });
    await eventually(() => cluster.unsynced().length === 0);

    expect(index.synced()).toBe(true);
    expect(index.unlistedForMs()).toBeGreaterThanOrEqual(0);
    expect([...cluster.degraded()].sort()).toEqual([
      `messengerapps.messenger-operator.dev in ${GONE}: not allowed to list`,
      `messengerpages.messenger-operator.dev in ${GONE}: not allowed to list`,
      `secrets in ${GONE}: not allowed to list`,
      `services in ${GONE}: not allowed to list`,
    ]);
    await world.createPage('served');
    await eventually(() => pages.get({ namespace: NAMESPACE, name: 'served' }));

    await world.plane.admin.apply(namespaceNamed(GONE));
    for (const one of grant({ name: 'webhook', namespace: GONE }, `${NAMESPACE}:webhook`, RULES)) await world.plane.admin.apply(one);
    await eventually(() => cluster.degraded().length === 0);
    expect(index.unlistedForMs()).toBeUndefined();
  }, 60_000);
});
