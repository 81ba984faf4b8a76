import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { MessengerApp } from '../../src/api/v1alpha1/types.gen.js';
import { eventually } from '../support/eventually.js';
import { RELEASE } from '../support/operator-chart.js';
import { grant } from '../support/page-manifests.js';
import { NAMESPACE, PageWorld } from '../support/page-world.js';

// A change of RBAC is noticed by asking again, which takes half a minute.
jest.setTimeout(120_000);

let world: PageWorld;

beforeAll(async () => {
  // As with the chart's default values, the webhook watches the Secrets of its own namespace alone.
  const flags = [
    '--webhook-service-account',
    `${RELEASE}:${RELEASE}-webhook`,
    '--pages-api-service-account',
    `${RELEASE}:${RELEASE}-pages-api`,
  ];
  world = await PageWorld.start({ secretNamespaces: [RELEASE], flags: { controller: flags } });
  world.cluster.expectRefusals({ role: 'webhook', verb: 'get', resource: 'secrets', namespace: NAMESPACE, because: 'its Role is missing' });
}, 180_000);

afterAll(async () => {
  await world.stop();
}, 60_000);

const accepted = async (): Promise<{ status?: string; reason?: string; message?: string }> =>
  (await world.appObject(world.app.place))?.status?.conditions?.find(({ type }) => type === 'Accepted') ?? {};
const readsByName = (names: readonly string[]) =>
  grant({ name: 'reads-app', namespace: NAMESPACE }, `${RELEASE}:${RELEASE}-webhook`, [
    { apiGroups: [''], resources: ['secrets'], resourceNames: names, verbs: ['get'] },
  ]);

describe('an app whose Secret the webhook may not read', () => {
  it('is not Accepted, and the message holds the Role that is missing', async () => {
    await eventually(async () => (await accepted()).reason === 'SecretNotReadable', 30_000);

    expect(await accepted()).toMatchObject({
      status: 'False',
      message: `the webhook may not read Secret ${NAMESPACE}/main: give the ServiceAccount ${RELEASE}:${RELEASE}-webhook a Role in ${NAMESPACE} with {apiGroups: [""], resources: [secrets], resourceNames: [main], verbs: [get]}`,
    });
    expect(await world.send('104500000000001', 'm_unreadable')).toBe(503);
  });

  it('is Accepted within a minute of that Role, and its events are delivered', async () => {
    await world.apply(...readsByName(['main']));

    await world.cluster.admin.waitFor<MessengerApp>(
      `/apis/messenger-operator.dev/v1alpha1/namespaces/${NAMESPACE}/messengerapps/${world.app.place.name}`,
      ({ status }) => status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') ?? false,
      60_000,
    );
    const page = await world.readyPage('readable');
    await eventually(async () => (await world.send(page.pageId, `m_${performance.now()}`)) === 200, 60_000);
  });
});
