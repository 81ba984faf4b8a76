import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { RecordingBot } from '../support/bot-server.js';
import { eventually } from '../support/eventually.js';
import { RELEASE } from '../support/operator-chart.js';
import { grant, grantClusterRole, messengerApp, namespaceNamed, secret, service } from '../support/page-manifests.js';
import { NAMESPACE, PageWorld, tell } from '../support/page-world.js';

const TENANT = 'team-dental';
const SIGNING_SECRET = 'signing-secret-of-the-dental-team';

let world: PageWorld;
let tenantBot: RecordingBot;

beforeAll(async () => {
  tenantBot = await RecordingBot.start(SIGNING_SECRET);
  world = await PageWorld.start({ services: { [`${TENANT}/dental-bot:5000`]: tenantBot.port } });
  await world.apply(
    namespaceNamed(TENANT),
    service({ name: 'dental-bot', namespace: TENANT }),
    secret({ name: 'dental-bot', namespace: TENANT }, { appSecret: SIGNING_SECRET }),
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'bot', namespace: TENANT } },
    grantClusterRole({ name: 'bot', namespace: TENANT }, `${RELEASE}-bot`, `${TENANT}:bot`),
    // The webhook watches no Secret of this namespace: the tenant lets it read this one.
    ...grant({ name: 'signing-secret', namespace: TENANT }, `${RELEASE}:${RELEASE}-webhook`, [
      { apiGroups: [''], resources: ['secrets'], resourceNames: ['dental-bot'], verbs: ['get'] },
    ]),
  );
}, 180_000);

afterAll(async () => {
  await world.stop();
  await tenantBot.stop();
}, 60_000);

const tenantSpec = (signed = true) => ({
  appRef: { name: 'main', namespace: NAMESPACE },
  backend: {
    service: { name: 'dental-bot', port: 5000 },
    ...(signed ? { signingSecretRef: { name: 'dental-bot', key: 'appSecret' } } : {}),
  },
});

async function consent(allowedNamespaces: { from: 'Same' | 'All' } | { from: 'Selector'; selector: unknown }): Promise<void> {
  await world.patchApp(world.app.place, { allowedNamespaces: { selector: null, ...allowedNamespaces } });
}

/** Sends once with a new message id. @returns whether the tenant's bot got it */
let count = 0;
async function arrives(pageId: string): Promise<boolean> {
  const mid = `m_tenant_${++count}`;
  expect([200, 503]).toContain(await world.send(pageId, mid));
  return tenantBot.mids().includes(mid);
}

describe('a page of another namespace than its app', () => {
  it('without consent is not accepted, and nothing of it is routed or served', async () => {
    const page = world.newPage('uninvited', { namespace: TENANT });
    await world.apply(...world.pageManifests(page, tenantSpec()));

    const message = await world.condition(page.place, 'Accepted', { status: 'False', reason: 'AppNotAllowed' });
    await world.condition(page.place, 'Ready', { status: 'False', reason: 'AppNotAllowed' });

    await eventually(async () => (await world.send(page.pageId, 'm_uninvited')) === 200);
    expect(tenantBot.received).toEqual([]);
    expect(world.bot.mids()).not.toContain('m_uninvited');
    expect((await world.askApi(`/v1/pages/${page.pageId}`, TENANT, 'bot')).status).toBe(404);
    expect((await world.askApi(`/v1/pages/${page.pageId}/token`, TENANT, 'bot')).status).toBe(404);
    expect(world.rowOf(page.pageId)).toBe('none');
    // One sentence whether the app is there or not: a tenant cannot find out what others have.
    const stray = world.newPage('stray', { namespace: TENANT });
    const ofNone = { ...tenantSpec(), appRef: { name: 'nothing', namespace: NAMESPACE } };
    await world.apply(...world.pageManifests(stray, ofNone));
    const other = await world.condition(stray.place, 'Accepted', { status: 'False', reason: 'AppNotAllowed' });
    expect(other.replaceAll('nothing', 'main')).toBe(message);
  });

  it('with consent is served and routed, signed with its own secret', async () => {
    await consent({ from: 'Selector', selector: { matchLabels: { 'kubernetes.io/metadata.name': TENANT } } });
    const page = world.newPage('invited', { namespace: TENANT });
    await world.apply(...world.pageManifests(page, tenantSpec()));

    await world.condition(page.place, 'Ready', { status: 'True' });
    await eventually(() => arrives(page.pageId));

    expect(tenantBot.received.every(({ signed }) => signed)).toBe(true);
    const { status, body } = await world.askApi(`/v1/pages/${page.pageId}/token`, TENANT, 'bot');
    expect({ status, body }).toMatchObject({ status: 200, body: { access_token: page.token } });
  });

  it('needs a signing secret, so that the tenant never has to know the app secret', async () => {
    await consent({ from: 'All' });
    const page = world.newPage('unsigned', { namespace: TENANT });
    await world.apply(...world.pageManifests(page, tenantSpec(false)));

    await world.condition(page.place, 'Routable', { status: 'False', reason: 'SigningSecretRequired' });

    const before = tenantBot.received.length;
    expect([200, 503]).toContain(await world.send(page.pageId, 'm_unsigned'));
    expect(tenantBot.received).toHaveLength(before);
  });

  it('loses routing and service within seconds of the consent, and gets both back with it', async () => {
    await consent({ from: 'All' });
    const page = world.newPage('revoked', { namespace: TENANT });
    await world.apply(...world.pageManifests(page, tenantSpec()));
    await world.condition(page.place, 'Ready', { status: 'True' });
    await eventually(() => arrives(page.pageId));

    await consent({ from: 'Same' });
    const began = performance.now();
    await eventually(async () => !(await arrives(page.pageId)));
    tell(`consent withdrawn stops routing within ${Math.round(performance.now() - began)} ms`);
    expect(performance.now() - began).toBeLessThan(5_000);
    await eventually(async () => (await world.askApi(`/v1/pages/${page.pageId}/token`, TENANT, 'bot')).status === 404);
    await world.condition(page.place, 'Accepted', { status: 'False', reason: 'AppNotAllowed' });
    await eventually(async () => (await world.page(page.place))?.status?.claim?.state === 'Refused');

    await consent({ from: 'All' });
    await world.condition(page.place, 'Ready', { status: 'True' });
    await eventually(() => arrives(page.pageId));
  }, 60_000);
});

describe('two pages that claim one Facebook Page', () => {
  // For an app of several namespaces, pages of its own need signing secrets as well.
  beforeAll(() => consent({ from: 'Same' }));

  it('the first keeps it, the second says who has it and gets nothing', async () => {
    const first = await world.readyPage('holder');
    const second = { ...first, place: { name: 'latecomer', namespace: NAMESPACE } };
    await world.apply(...world.pageManifests(second, { backend: { service: { name: 'latecomer-bot', port: 5000 } } }));

    const message = await world.condition(second.place, 'Claimed', { status: 'False', reason: 'PageClaimed' });

    expect(message).toContain('holder');
    await world.reaches(first.pageId, world.bot);
    await world.condition(first.place, 'Ready', { status: 'True' });
    // Its end changes nothing for the holder.
    const before = world.rowOf(first.pageId);
    await world.kubectl(['delete', 'mpage', 'latecomer', '-n', NAMESPACE, '--timeout=20s']);
    expect(world.rowOf(first.pageId)).toBe(before);
  });

  it('hands it over, without a gap at Graph, when the holder goes', async () => {
    const first = await world.readyPage('leaving');
    const heir = { ...first, place: { name: 'heir', namespace: NAMESPACE } };
    await world.apply(...world.pageManifests(heir));
    await world.condition(heir.place, 'Claimed', { status: 'False', reason: 'PageClaimed' });
    const since = world.sim.control.calls().at(-1)?.seq ?? 0;

    await world.kubectl(['delete', 'mpage', 'leaving', '-n', NAMESPACE, '--timeout=30s']);

    await world.condition(heir.place, 'Ready', { status: 'True' });
    const removals = world.sim.control.calls(since).filter(({ method, pageId }) => method === 'DELETE' && pageId === first.pageId);
    expect(removals).toEqual([]);
    expect((await world.page(heir.place))?.status?.claim).toMatchObject({ state: 'Held', epoch: 2 });
    await world.reaches(first.pageId, world.bot);
  });

  it('two apps with one appId: the second is not accepted, its pages neither', async () => {
    const twin = { ...world.app, place: { name: 'twin', namespace: NAMESPACE } };
    await world.apply(...world.appManifests(twin).slice(0, 1), messengerApp(twin.place, { appId: twin.appId }));

    const claimed = await eventually(async () =>
      (await world.appObject(twin.place))?.status?.conditions?.find(({ type, status }) => type === 'Accepted' && status === 'False'),
    );
    expect(claimed.reason).toBe('AppClaimed');
    const page = world.newPage('of-twin');
    await world.apply(...world.pageManifests(page, { appRef: { name: 'twin' } }));
    await world.condition(page.place, 'Accepted', { status: 'False', reason: 'AppNotAccepted' });
  });

  it('needed no right that the chart and the tenant do not give', async () => {
    expect(await world.refusals()).toEqual([]);
  });
});
