import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { MessengerAppSpec, MessengerPageSpec } from '../../src/api/v1alpha1/types.gen.js';
import type { KubeObject } from '../support/control-plane-client.js';
import { eventually } from '../support/eventually.js';
import { RELEASE } from '../support/operator-chart.js';
import { namespaceNamed } from '../support/page-manifests.js';
import { FIELDS, PageWorld, tell, type AppAccount, type PageAccount } from '../support/page-world.js';

const TIMEOUT_MS = 10_000;
/** What a page is granted by every new leader, however short the timeout. */
const OWN_TIME_MS = 60_000;
/** The controller manager looks again at what has finalizers after eight seconds. */
const SLACK_MS = 20_000;
const START_DEADLINE_MS = 240_000;
const KINDS = '/apis/messenger-operator.dev/v1alpha1';

/** An app and a page, each in a namespace, subscribed at Graph. */
interface Pair {
  readonly app: AppAccount;
  readonly page: PageAccount;
}

interface LeftEvent {
  readonly type: string;
  readonly reason: string;
  readonly note: string;
  readonly metadata: { readonly namespace: string };
  readonly regarding: { readonly kind: string; readonly namespace: string; readonly name: string; readonly uid: string };
}

const WHAT = ['Secrets', 'app', 'page'] as const;
type What = (typeof WHAT)[number];
const ORDERS: readonly (readonly What[])[] = WHAT.flatMap((first) =>
  WHAT.filter((what) => what !== first).map((second) => [first, second, ...WHAT.filter((what) => what !== first && what !== second)]),
);

let world: PageWorld;
const pairs = new Map<string, Pair>();
/**
 * Name of what happened → how long our own objects stayed, in ms. All at once: each of them waits
 * most of the time.
 */
const ends = new Map<string, Promise<number>>();
/** Pages as they were when their namespace was being deleted. */
const terminating = new Map<string, KubeObject>();

const pair = (name: string): Pair => {
  const found = pairs.get(name);
  if (found === undefined) throw new Error(`there is no ${name}`);
  return found;
};
const pathOf = (kind: string, { namespace, name }: { readonly namespace: string; readonly name: string }): string =>
  `${KINDS}/namespaces/${namespace}/${kind}/${name}`;
const secretPath = ({ namespace, name }: { readonly namespace: string; readonly name: string }): string =>
  `/api/v1/namespaces/${namespace}/secrets/${name}`;

/** Makes the namespaces and what is in them, and waits until Graph has the subscription. */
async function subscribed(name: string, spec: Partial<MessengerPageSpec> = {}, appNamespace = name): Promise<Pair> {
  for (const namespace of new Set([name, appNamespace])) await world.apply(namespaceNamed(namespace));
  const app = { ...world.newApp(name), place: { name: 'shop', namespace: appNamespace } };
  const page = { ...world.newPage(name, { namespace: name, appId: app.appId }), place: { name: 'clinic', namespace: name } };
  // A path of its own: no more than eight apps share one.
  const webhook = { path: `/webhooks/${name}` };
  const consent: Partial<MessengerAppSpec> = appNamespace === name ? { webhook } : { webhook, allowedNamespaces: { from: 'All' } };
  const appRef = appNamespace === name ? { name: 'shop' } : { name: 'shop', namespace: appNamespace };
  await world.apply(...world.appManifests(app, consent), ...world.pageManifests(page, { ...spec, appRef }));
  await world.fields(page.pageId, FIELDS, 40_000);
  await world.condition(page.place, 'Subscribed', { status: 'True' }, 40_000);
  pairs.set(name, { app, page });
  return { app, page };
}

const deleteNamespace = (name: string): Promise<void> => world.cluster.admin.delete(`/api/v1/namespaces/${name}`);

async function deleteOne(what: What, { app, page }: Pair): Promise<void> {
  const { admin } = world.cluster;
  if (what === 'app') await admin.delete(pathOf('messengerapps', app.place));
  else if (what === 'page') await admin.delete(pathOf('messengerpages', page.place));
  else await Promise.all([admin.delete(secretPath(app.place)), admin.delete(secretPath(page.place))]);
}

/**
 * Waits for the end of what holds a namespace, and of the namespace. @returns how long our own
 * objects stayed, in ms
 */
async function gone(namespace: string, objects: readonly string[], limitMs = TIMEOUT_MS): Promise<number> {
  const { admin } = world.cluster;
  const began = performance.now();
  await Promise.all(objects.map((path) => admin.waitForGone(path, limitMs + SLACK_MS)));
  const tookMs = performance.now() - began;
  await admin.waitForGone(`/api/v1/namespaces/${namespace}`, SLACK_MS);
  return tookMs;
}

const objectsOf = ({ app, page }: Pair): readonly string[] => [pathOf('messengerapps', app.place), pathOf('messengerpages', page.place)];

/**
 * The Events about left subscriptions of pages of this namespace that are in the operator's own.
 */
async function leftOf(namespace: string): Promise<readonly LeftEvent[]> {
  const all = await world.cluster.admin.list<LeftEvent>(`/apis/events.k8s.io/v1/namespaces/${RELEASE}/events`);
  return all.filter(({ reason, regarding }) => reason === 'LeftSubscribed' && regarding.namespace === namespace);
}

beforeAll(async () => {
  const flags = { controller: ['--deletion-timeout', `${TIMEOUT_MS / 1_000}s`] };
  world = await PageWorld.start({ flags });
  world.cluster.expectRefusals({
    ...{ role: 'webhook', verb: 'get', resource: 'secrets' },
    because: 'the webhook may not read Secrets of the namespaces that come and go',
  });
  // Before all others: a new leader knows the credentials only of pages that it has seen.
  await deletedWithoutController('unattended');
  begin('unattended', gone('unattended', objectsOf(pair('unattended'))));
  await subscribed('graph-down');
  begin('graph-down', deletedWithoutGraph('graph-down'));
  await Promise.all([
    subscribed('at-once'),
    subscribed('retained', { deletionPolicy: 'Retain' }),
    subscribed('page-side', {}, 'app-stays'),
    subscribed('page-stays', {}, 'app-side'),
    subscribed('both-page', {}, 'both-app'),
    ...ORDERS.map((order) => subscribed(nameOf(order))),
  ]);
  for (const name of ['at-once', 'retained']) begin(name, deletedAtOnce(name));
  for (const order of ORDERS) begin(nameOf(order), deletedInOrder(order));
  begin('page-side', deleted('page-side', [pathOf('messengerpages', pair('page-side').page.place)]));
  begin('app-side', deleted('app-side', [pathOf('messengerapps', pair('page-stays').app.place)]));
  begin('both', deletedTogether());
}, START_DEADLINE_MS);

afterAll(async () => {
  await Promise.allSettled(ends.values());
  await world.stop();
}, 120_000);

const nameOf = (order: readonly What[]): string => order.join('-').toLowerCase();

function begin(name: string, tookMs: Promise<number>): void {
  // Looked at in its own test.
  tookMs.catch(() => undefined);
  ends.set(name, tookMs);
}

/** @throws what went wrong, or that nothing was begun */
async function end(name: string): Promise<number> {
  const tookMs = await ends.get(name);
  if (tookMs === undefined) throw new Error(`nobody began ${name}`);
  return tookMs;
}

async function deleted(namespace: string, objects: readonly string[], limitMs = TIMEOUT_MS): Promise<number> {
  await deleteNamespace(namespace);
  return gone(namespace, objects, limitMs);
}

const deletedAtOnce = (name: string): Promise<number> => deleted(name, objectsOf(pair(name)));

async function deletedInOrder(order: readonly What[]): Promise<number> {
  for (const what of order) await deleteOne(what, pair(nameOf(order)));
  return deletedAtOnce(nameOf(order));
}

async function deletedTogether(): Promise<number> {
  await Promise.all([deleteNamespace('both-app'), deleteNamespace('both-page')]);
  const took = await Promise.all([gone('both-app', objectsOf(pair('both-page'))), gone('both-page', [])]);
  return Math.max(...took);
}

/**
 * The namespace goes, with the Secrets in it, while nobody looks; then the controller comes back.
 */
async function deletedWithoutController(name: string): Promise<void> {
  const { page } = await subscribed(name);
  await world.operator.end('controller');
  await deleteNamespace(name);
  await world.cluster.admin.waitForGone(secretPath(page.place), SLACK_MS);
  await remember(name);
  await world.operator.start(['controller']);
}

async function deletedWithoutGraph(name: string): Promise<number> {
  world.sim.control.addFault({ pageId: pair(name).page.pageId, effect: { kind: 'http', status: 503 } });
  await deleteNamespace(name);
  await remember(name);
  return gone(name, objectsOf(pair(name)), OWN_TIME_MS);
}

async function remember(name: string): Promise<void> {
  const path = world.path(pair(name).page.place);
  // The Secrets may go a moment before the page is told.
  terminating.set(name, await world.cluster.admin.waitFor(path, ({ metadata }) => metadata.deletionTimestamp !== undefined));
}

describe('a namespace that is deleted', () => {
  it.each(ORDERS.map((order) => [order.join(', '), nameOf(order)]))(
    'after its %s: is empty in time, and the page is unsubscribed',
    async (_, name) => {
      expect(await end(name)).toBeLessThan(TIMEOUT_MS + SLACK_MS);
      expect(world.rowOf(pair(name).page.pageId)).toBe('none');
      expect(await leftOf(name)).toEqual([]);
    },
    60_000,
  );

  it('with all that is in it at once: is empty in time, and the page is unsubscribed', async () => {
    tell(`our objects stayed for ${Math.round(await end('at-once'))} ms in a namespace deleted at once`);
    expect(world.rowOf(pair('at-once').page.pageId)).toBe('none');
    expect(await leftOf('at-once')).toEqual([]);
  }, 60_000);

  it('with a page that is to be retained: leaves it at Graph, without a warning', async () => {
    await end('retained');

    expect(world.rowOf(pair('retained').page.pageId)).toBe([...FIELDS].sort().join());
    expect(await leftOf('retained')).toEqual([]);
  }, 60_000);

  it('with the page, the app being in another one: unsubscribes it and leaves the app alone', async () => {
    const { app, page } = pair('page-side');

    await end('page-side');

    expect(world.rowOf(page.pageId)).toBe('none');
    expect((await world.appObject(app.place))?.metadata.deletionTimestamp).toBeUndefined();
  }, 60_000);

  it('with the app, the page being in another one: waits for the page no longer than the timeout', async () => {
    const { page } = pair('page-stays');

    const tookMs = await end('app-side');

    tell(`an app that a page of another namespace still uses stayed for ${Math.round(tookMs)} ms (timeout ${TIMEOUT_MS} ms)`);
    expect(tookMs).toBeGreaterThan(TIMEOUT_MS / 2);
    // The page has lost its app, not its subscription; its own end finds what it needs in the
    // memory of the controller.
    await world.condition(page.place, 'Ready', { status: 'False', reason: 'AppNotAllowed' }, 30_000);
    expect(world.rowOf(page.pageId)).not.toBe('none');
    await deleted('page-stays', [world.path(page.place)]);
    expect(world.rowOf(page.pageId)).toBe('none');
  }, 90_000);

  it('together with that of its app: is empty in time, and the page is unsubscribed', async () => {
    await end('both');

    expect(world.rowOf(pair('both-page').page.pageId)).toBe('none');
    expect(await leftOf('both-page')).toEqual([]);
  }, 60_000);

  it('while the controller was down: is emptied when it is back, and what stays at Graph is told in its own namespace', async () => {
    await end('unattended');

    expect(terminating.get('unattended')?.metadata.finalizers).toEqual(['messenger-operator.dev/unsubscribe']);
    await expectTold('unattended');
  }, 60_000);

  it('while Graph is down: is empty in time, and what stays at Graph is told in the namespace of the operator', async () => {
    const tookMs = await end('graph-down');

    tell(`a page of a namespace was let go after ${Math.round(tookMs / 1_000)} s without Graph (a leader takes 60 s at least)`);
    expect(tookMs).toBeLessThan(OWN_TIME_MS + SLACK_MS);
    await expectTold('graph-down');
    expect(await world.operator.metrics('controller')).toMatch(/^messenger_left_subscribed_total 2$/m);
  }, 120_000);

  it('needed no right that the chart does not give', async () => {
    const refused = await world.refusals();

    // Nobody may put an Event into a namespace that is going away.
    expect(refused.filter((text) => !/ create \S+\/events\b/.test(text) && !/-webhook get \S+\/secrets\//.test(text))).toEqual([]);
    expect(refused.some((text) => /-controller create \S+\/namespaces\/graph-down\/events\b/.test(text))).toBe(true);
  });
});

/**
 * One Event about the page itself, in the operator's namespace, one line in the log; Graph has the
 * subscription still.
 */
async function expectTold(namespace: string): Promise<void> {
  const { page } = pair(namespace);
  const events = await eventually(async () => {
    const found = await leftOf(namespace);
    return found.length > 0 ? found : undefined;
  });
  expect(events).toHaveLength(1);
  expect(events[0]).toMatchObject({
    type: 'Warning',
    metadata: { namespace: RELEASE },
    regarding: {
      ...{ apiVersion: 'messenger-operator.dev/v1alpha1', kind: 'MessengerPage', namespace, name: 'clinic' },
      uid: terminating.get(namespace)?.metadata.uid,
    },
  });
  expect(events[0]?.note).toContain(`DELETE /${page.pageId}/subscribed_apps`);
  const lines = (await world.operator.output('controller')).split('\n').filter((line) => line.includes(`"page":"${namespace}/clinic"`));
  expect(lines.filter((line) => line.includes('released a page that may still be subscribed'))).toHaveLength(1);
  expect(world.rowOf(page.pageId)).not.toBe('none');
}
