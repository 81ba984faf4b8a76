import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { systemClock } from '../../src/kit/clock.js';
import { KubeEventRecorder } from '../../src/k8s/event-recorder.js';
import { loadKubeClient } from '../../src/k8s/kube-client.js';
import { writesAlone } from '../../src/k8s/write-fences.js';
import { silentLogger } from '../../src/kit/log.js';
import { eventually } from '../support/eventually.js';
import { FakeClock } from '../support/fake-clock.js';
import { accountOf, RELEASE } from '../support/operator-chart.js';
import { grantClusterRole, secret } from '../support/page-manifests.js';
import { FIELDS, NAMESPACE, PageWorld, tell } from '../support/page-world.js';

let world: PageWorld;

beforeAll(async () => {
  world = await PageWorld.start();
}, 180_000);

afterAll(async () => {
  await world.stop();
}, 60_000);

/** How often the controller changed this page's status, by the audit log. */
const statusWrites = async (name: string): Promise<number> =>
  (await world.cluster.audit()).filter(
    ({ user, verb, objectRef, stage, responseStatus }) =>
      user.username === accountOf('controller') &&
      verb === 'patch' &&
      stage === 'ResponseComplete' &&
      responseStatus?.code === 200 &&
      objectRef?.subresource === 'status' &&
      objectRef.name === name,
  ).length;

describe('a page on a real API server', () => {
  it('becomes Ready, so that kubectl wait returns and every column is filled', async () => {
    const { place, pageId } = await applied('first');

    await world.kubectl(['wait', '-n', NAMESPACE, '--for=condition=Ready', `mpage/${place.name}`, '--timeout=30s']);

    const page = await world.page(place);
    expect(page?.metadata.finalizers).toEqual(['messenger-operator.dev/unsubscribe']);
    expect(page?.status).toMatchObject({
      observedGeneration: page?.metadata.generation,
      claim: { appId: world.app.appId, pageId, state: 'Held', epoch: 1 },
      pageName: 'Page first',
      fieldsSummary: '5/5',
      token: { type: 'PAGE', expires: 'never', fingerprint: expect.stringMatching(/^[0-9a-f]{16}$/) as unknown },
    });
    const conditions = page?.status?.conditions ?? [];
    expect(conditions.map(({ type, status }) => `${type}=${status}`)).toEqual(
      ['Ready', 'Accepted', 'TokenValid', 'Claimed', 'Subscribed', 'Routable'].map((type) => `${type}=True`),
    );
    expect(conditions.every(({ observedGeneration }) => observedGeneration === page?.metadata.generation)).toBe(true);
    expect(world.rowOf(pageId)).toBe([...FIELDS].sort().join());
    expect(await world.kubectl(['get', 'mpage', place.name, '-n', NAMESPACE])).toMatch(
      new RegExp(`^NAME +PAGE-ID +READY +REASON +FIELDS +TOKEN-EXPIRES +AGE\\n${place.name} +${pageId} +True +\\S+ +5/5 +never +`),
    );
  });

  it('is written to seldom on its way there, and not at all afterwards', async () => {
    const { place } = await world.readyPage('quiet');

    const writes = await statusWrites(place.name);

    tell(`${writes} status writes on the way to Ready`);
    // The claim has to be published before anything is written to Graph; the outcome follows.
    expect(writes).toBeLessThanOrEqual(2);
  });

  it("gets events of its Page, signed with the app's secret, byte for byte", async () => {
    const { pageId } = await world.readyPage('served');

    const mid = await world.reaches(pageId, world.bot);

    const request = world.bot.received.find(({ body }) => body.includes(mid));
    expect(request).toMatchObject({ path: '/bot', signed: true });
    expect(request?.headers).toMatchObject({ 'x-messenger-page-id': pageId, 'x-messenger-app-id': world.app.appId });
    expect(world.sim.control.deliveries().some(({ body }) => body === request?.body)).toBe(true);
  });

  it('follows an edit of its fields to Graph', async () => {
    const { place, pageId } = await world.readyPage('edited');

    await world.patchPage(place, { subscribedFields: ['messages', 'feed'] });

    await world.fields(pageId, ['messages', 'feed']);
    await world.condition(place, 'Ready', { status: 'True' });
    expect((await world.page(place))?.status).toMatchObject({ fieldsSummary: '2/2' });
  });

  it('is repaired when somebody changes it by hand at Graph', async () => {
    const { place, pageId } = await world.readyPage('repaired');

    world.sim.control.setFields(world.app.appId, pageId, ['messages', 'message_reads']);
    await world.fields(pageId, FIELDS);
    world.sim.control.setFields(world.app.appId, pageId, undefined);
    await world.fields(pageId, FIELDS);

    await world.condition(place, 'Ready', { status: 'True' });
  });

  it('uses a new token within seconds of its Secret, and serves it to the bot, without a restart', async () => {
    await world.apply(
      { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'rotation-bot', namespace: NAMESPACE } },
      grantClusterRole({ name: 'rotation-bot', namespace: NAMESPACE }, `${RELEASE}-bot`, `${NAMESPACE}:rotation-bot`),
    );
    const { place, pageId, token } = await world.readyPage('rotated');
    const served = async (): Promise<unknown> => (await world.askApi(`/v1/pages/${pageId}/token`, NAMESPACE, 'rotation-bot')).body;
    await eventually(async () => ((await served()) as { access_token?: string }).access_token === token);
    const fresh = world.newToken(pageId, 'rotated-2');

    const since = world.sim.control.calls().at(-1)?.seq ?? 0;
    await world.apply(secret(place, { token: fresh }));
    const began = performance.now();
    await eventually(() => world.sim.control.calls(since).some(({ params }) => params['input_token'] === 'rotated-2'));
    const used = performance.now() - began;
    await eventually(async () => ((await served()) as { access_token?: string }).access_token === fresh);
    const proven = performance.now() - began;

    tell(`a new token is looked at ${Math.round(used)} ms after its Secret was written, and served after ${Math.round(proven)} ms`);
    expect(used).toBeLessThan(5_000);
    expect(proven).toBeLessThan(5_000);
    await eventually(() => world.sim.control.calls(since).some(({ pageId: id, token: name }) => id === pageId && name === 'rotated-2'));
    await world.condition(place, 'Ready', { status: 'True' });
  });

  it('verifies with a new app secret within seconds, and with the previous one while that is kept', async () => {
    const app = world.newApp('rolling');
    const signing = 'signing-secret-of-the-rolling-bot';
    world.bot.secrets.push(signing);
    await world.apply(secret({ name: 'rolling-bot', namespace: NAMESPACE }, { appSecret: signing }));
    await world.apply(...world.appManifests(app));
    const page = world.newPage('of-rolling', { appId: app.appId });
    await world.apply(...world.pageManifests(page, { appRef: { name: app.place.name }, ...signedFor('rolling-bot') }));
    await world.condition(page.place, 'Ready', { status: 'True' });
    await world.reaches(page.pageId, world.bot, app.appId);

    const next = 'f'.repeat(32);
    const { verifyToken } = app;
    await world.apply(secret(app.place, { appSecret: next, previousAppSecret: app.appSecret, verifyToken }));
    await world.apply(...world.appManifests({ ...app, appSecret: next }, { previousAppSecretRef: { name: app.place.name } }).slice(1));
    await world.apply(secret(app.place, { appSecret: next, previousAppSecret: app.appSecret, verifyToken }));
    // Facebook goes on signing with the old one until the change there.
    expect(await world.send(page.pageId, 'm_old_secret', app.appId)).toBe(200);
    world.sim.control.makeApp({ id: app.appId, secret: next, requireProof: true });
    const began = performance.now();
    await eventually(async () => (await world.send(page.pageId, 'm_new_secret', app.appId)) === 200);

    tell(`a new app secret verifies ${Math.round(performance.now() - began)} ms after it was put in place`);
    expect(world.bot.mids()).toEqual(expect.arrayContaining(['m_old_secret', 'm_new_secret']));
  });

  it('says why when its token is revoked, by condition and Event, and heals with a new one', async () => {
    const { place, pageId, alias } = await world.readyPage('revoked');

    world.sim.control.setTokenState(alias, 'password_changed');

    const message = await world.condition(place, 'Ready', { status: 'False', reason: 'TokenInvalidated' });
    expect(message.length).toBeGreaterThan(20);
    await world.condition(place, 'TokenValid', { status: 'False', reason: 'TokenInvalidated' });
    const event = await eventually(async () => (await world.events(place)).find(({ reason }) => reason === 'TokenInvalidated'));
    expect(event).toMatchObject({ type: 'Warning', note: expect.stringMatching(/\w/) as unknown });
    // What was claimed stays: a dead token is no reason to lose events.
    expect(await world.send(pageId, 'm_dead_token')).toBe(200);
    expect(world.bot.mids()).toContain('m_dead_token');

    await world.apply(secret(place, { token: world.newToken(pageId, 'revoked-2') }));
    await world.condition(place, 'Ready', { status: 'True' });
  });

  it('suspended, is left alone at Graph while its events are delivered', async () => {
    const sentinel = await world.readyPage('sentinel');
    const { place, pageId } = await world.readyPage('suspended');
    await world.patchPage(place, { suspend: true });
    await world.condition(place, 'Ready', { status: 'False', reason: 'Suspended' });

    world.sim.control.setFields(world.app.appId, pageId, ['messages']);
    await repairedTwice(sentinel.pageId);

    expect(world.rowOf(pageId)).toBe('messages');
    expect(await world.send(pageId, 'm_suspended')).toBe(200);
    expect(world.bot.mids()).toContain('m_suspended');
    await world.patchPage(place, { suspend: false });
    await world.fields(pageId, FIELDS);
  });

  it('observed only, is never written to at Graph and says what would change', async () => {
    const sentinel = await world.readyPage('sentinel-of-observed');
    const page = world.newPage('observed');
    world.sim.control.setFields(world.app.appId, page.pageId, ['messages', 'feed']);
    await world.apply(...world.pageManifests(page, { managementPolicy: 'Observe' }));

    await world.condition(page.place, 'Ready', { status: 'True' });
    const message = await world.condition(page.place, 'Subscribed', { status: 'False', reason: 'Observed' });
    expect(message).toContain('messaging_postbacks');
    await repairedTwice(sentinel.pageId);
    await world.reaches(page.pageId, world.bot);
    await world.kubectl(['delete', 'mpage', page.place.name, '-n', NAMESPACE, '--timeout=20s']);

    expect(world.rowOf(page.pageId)).toBe('feed,messages');
    const written = world.sim.control.calls().filter(({ method, pageId }) => pageId === page.pageId && method !== 'GET');
    expect(written).toEqual([]);
  });

  it('has an Event that is told again counted, by the rights of the controller', async () => {
    const { place } = await world.readyPage('told-again');
    const page = await world.page(place);
    if (page === undefined) throw new Error('the page is gone');
    const kubeconfig = await world.cluster.kubeconfigFor({ serviceAccount: `${RELEASE}-controller`, namespace: RELEASE });
    const client = loadKubeClient({ kubeconfig, clock: systemClock });
    // An Event is counted once a minute.
    const clock = new FakeClock();
    const deps = { client, fence: writesAlone, clock, log: silentLogger, fallbackNamespace: RELEASE };
    const recorder = new KubeEventRecorder({ ...deps, controller: 'messenger-operator.dev/controller', instance: 'test' });
    const life = new AbortController();
    const running = recorder.run(life.signal);
    const told = async () => (await world.events(place)).find(({ reason }) => reason === 'Adopted');
    const event = { type: 'Normal', reason: 'Adopted', action: 'Look', note: 'this page was subscribed before' } as const;

    recorder.record(page, event);
    await eventually(told);
    recorder.record(page, event);
    await clock.advance(60_000);

    await eventually(async () => ((await told()) as { series?: { count: number } } | undefined)?.series?.count === 2);
    life.abort(new Error('the test is over'));
    await running;
    await client.close();
  });

  it('needed no right that the chart does not give', async () => {
    expect(await world.refusals()).toEqual([]);
  });
});

/**
 * Shows that time has passed in which a page could have been looked at: another one was repaired
 * twice.
 */
async function repairedTwice(pageId: string): Promise<void> {
  for (const fields of [['messages'], ['messages', 'feed']]) {
    world.sim.control.setFields(world.app.appId, pageId, fields);
    await world.fields(pageId, FIELDS);
  }
}

/** The world's bot, with a signing Secret of this name. */
function signedFor(name: string) {
  return { backend: { service: { name: 'clinic-bot', port: 5000, path: '/bot' }, signingSecretRef: { name, key: 'appSecret' } } };
}

async function applied(name: string) {
  const account = world.newPage(name);
  await world.kubectl(['apply', '-f', '-'], world.pageManifests(account));
  return account;
}
