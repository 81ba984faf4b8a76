import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { MessengerAppSpec, MessengerPageSpec } from '../../src/api/v1alpha1/types.gen.js';
import { eventually } from '../support/eventually.js';
import { secret, type Place } from '../support/page-manifests.js';
import { NAMESPACE, PageWorld, tell, type AppAccount } from '../support/page-world.js';
import { RawWatch, type WatchedVersion } from '../support/raw-watch.js';
import { complaintsAbout, isOldReady, verdictsOn } from '../support/readiness-check.js';

const COLLECTION = `/apis/messenger-operator.dev/v1alpha1/namespaces/${NAMESPACE}`;
const GOOD = { service: { name: 'clinic-bot', port: 5000, path: '/bot' } };
const BAD = { service: { name: 'nowhere', port: 5000 } };
const KNOWN = new Set(['messages', 'messaging_postbacks', 'feed']);
const NEVER_A_FIELD = 'no_such_field';
const BURST = 12;

let world: PageWorld;
let watches: readonly RawWatch[];
let versions: readonly WatchedVersion[] = [];
let stormy: AppAccount;

/**
 * Whether a page with this spec can be Ready: its app, Secret and bot are there, Graph knows its
 * fields.
 */
function pageCanBeReady(spec: object): boolean {
  const { suspend, subscribedFields = [], backend, accessTokenSecretRef } = spec as MessengerPageSpec;
  const rightFields = subscribedFields.every((field) => KNOWN.has(field));
  return suspend !== true && rightFields && backend?.service?.name === 'clinic-bot' && accessTokenSecretRef.name !== 'nothing';
}

function appCanBeReady(spec: object): boolean {
  const { suspend, appSecretRef, verifyTokenRef } = spec as MessengerAppSpec;
  return suspend !== true && appSecretRef.name !== 'nothing' && verifyTokenRef.name !== 'nothing';
}

beforeAll(async () => {
  // So that an app that pages use can be taken away and given back in time.
  world = await PageWorld.start({ flags: { controller: ['--deletion-timeout', '2s'] } });
  watches = await Promise.all(
    ['messengerpages', 'messengerapps'].map((plural) => RawWatch.start(world.cluster, `${COLLECTION}/${plural}`)),
  );
  stormy = world.newApp('stormy');
  await world.apply(...world.appManifests(stormy));
  await Promise.all([stormOver('one'), stormOver('two'), stormOverApp()]);
}, 240_000);

afterAll(async () => {
  await world.stop();
}, 60_000);

const ready = (place: Place): Promise<string> => world.condition(place, 'Ready', { status: 'True' }, 40_000);
const notReady = (place: Place, reason?: string): Promise<string> =>
  world.condition(place, 'Ready', { status: 'False', ...(reason === undefined ? {} : { reason }) }, 40_000);

/**
 * Changes a page's spec again and again, now and then waiting until the operator has seen it,
 * mostly not.
 */
async function stormOver(name: string): Promise<void> {
  const { place } = await world.readyPage(name);
  const set = (spec: object): Promise<unknown> => world.patchPage(place, spec);
  await set({ subscribedFields: ['messages'] });
  await set({ backend: BAD });
  await notReady(place, 'BackendNotFound');
  await set({ backend: GOOD, subscribedFields: ['messages', 'feed'] });
  await ready(place);
  await set({ accessTokenSecretRef: { name: 'nothing' } });
  await notReady(place, 'SecretNotFound');
  await set({ accessTokenSecretRef: { name } });
  await set({ suspend: true });
  await notReady(place, 'Suspended');
  await set({ suspend: false, subscribedFields: [NEVER_A_FIELD] });
  await notReady(place);
  for (let turn = 0; turn < BURST; turn++) {
    const odd = turn % 2 === 1;
    await set({ backend: odd ? GOOD : BAD, subscribedFields: odd ? ['messages'] : ['messages', 'feed'], suspend: turn % 5 === 4 });
  }
  await set({ backend: GOOD, subscribedFields: ['messages', 'messaging_postbacks'], suspend: false });
  await ready(place);
}

/**
 * The same with an app: suspended, without its Secret, taken away and given back, under a page that
 * uses it.
 */
async function stormOverApp(): Promise<void> {
  const page = world.newPage('of-stormy', { appId: stormy.appId });
  await world.apply(secret({ name: 'stormy-bot', namespace: NAMESPACE }, { appSecret: 'signing-secret-of-the-stormy-bot' }));
  const spec = { appRef: { name: stormy.place.name }, backend: { ...GOOD, signingSecretRef: { name: 'stormy-bot', key: 'appSecret' } } };
  await world.apply(...world.pageManifests(page, spec));
  await ready(page.place);
  const set = (change: object): Promise<unknown> => world.patchApp(stormy.place, change);
  await set({ suspend: true });
  await appIs('False', 'Suspended');
  await set({ suspend: false, appSecretRef: { name: 'nothing' } });
  await appIs('False', 'SecretNotFound');
  for (let turn = 0; turn < BURST; turn++) await set({ appSecretRef: { name: turn % 2 === 0 ? stormy.place.name : 'nothing' } });
  await set({ appSecretRef: { name: stormy.place.name } });
  await appIs('True');
  await ready(page.place);
  const path = `${COLLECTION}/messengerapps/${stormy.place.name}`;
  await world.cluster.admin.delete(path);
  await world.cluster.admin.waitForGone(path, 40_000);
  await notReady(page.place, 'AppNotFound');
  await world.apply(...world.appManifests(stormy));
  await appIs('True');
  await ready(page.place);
}

async function appIs(status: string, reason?: string): Promise<void> {
  await eventually(async () => {
    const app = await world.appObject(stormy.place);
    if (app?.status?.observedGeneration !== app?.metadata.generation) return undefined;
    return app?.status?.conditions?.find((one) => one.type === 'Ready' && one.status === status && one.reason === (reason ?? one.reason));
  }, 40_000);
}

/** kubectl itself, as a person or a pipeline waits. */
const kubectlWaits = async (what: string, seconds: number): Promise<number> =>
  (await world.cluster.kubectl(['wait', '-n', NAMESPACE, '--for=condition=Ready', what, `--timeout=${seconds}s`])).code;

describe('readiness in a storm of changes', () => {
  it('deceives kubectl wait, kstatus (Flux) and Argo CD in no version that a watch shows', () => {
    versions = watches.flatMap((watch) => [...watch.versions]);
    const pages = versions.filter(({ object }) => object.kind === 'MessengerPage');
    const apps = versions.filter(({ object }) => object.kind === 'MessengerApp');

    tell(
      `${pages.length} versions of pages and ${apps.length} of apps, ${versions.filter(isOldReady).length} of them with Ready of an older spec`,
    );
    expect(pages.flatMap((version) => complaintsAbout(version, pageCanBeReady))).toEqual([]);
    expect(apps.flatMap((version) => complaintsAbout(version, appCanBeReady))).toEqual([]);
    // It would be easy not to lie if nothing had happened.
    expect(pages.length).toBeGreaterThan(4 * BURST);
    expect(apps.length).toBeGreaterThan(BURST);
    expect([pages, apps].map((list) => list.filter(isOldReady).length > 0)).toEqual([true, true]);
  });

  it('says Stalled, Failed and Degraded of what waits for somebody, and Suspended of what is suspended', () => {
    const said = (kind: string): readonly string[] => [
      ...new Set(
        versions
          .filter(({ type, object }) => type !== 'DELETED' && object.kind === kind)
          .map(({ object }) => verdictsOn(object))
          .map(({ kstatus, argo }) => `${kstatus} ${argo}`),
      ),
    ];

    const possible = ['Current Healthy', 'Failed Degraded', 'InProgress Progressing', 'InProgress Suspended', 'Terminating Progressing'];
    expect(said('MessengerPage').filter((verdict) => !possible.includes(verdict))).toEqual([]);
    expect(said('MessengerPage')).toEqual(expect.arrayContaining(possible.slice(0, 4)));
    expect(said('MessengerApp').filter((verdict) => !possible.includes(verdict))).toEqual([]);
    expect(said('MessengerApp')).toEqual(expect.arrayContaining(['Current Healthy', 'InProgress Suspended', 'Terminating Progressing']));
  });

  it('is agreed upon in the end, by kubectl itself as well', async () => {
    for (const what of ['mpage/one', 'mpage/two', 'mpage/of-stormy', 'mapp/main', 'mapp/stormy']) {
      expect(await kubectlWaits(what, 60)).toBe(0);
      // Where Graph was slow to answer, an app says so for a moment.
      await eventually(async () => {
        const object = JSON.parse(await world.kubectl(['get', '-n', NAMESPACE, what, '-o', 'json'])) as WatchedVersion['object'];
        expect(verdictsOn(object)).toEqual({ kstatus: 'Current', waited: true, argo: 'Healthy' });
        return true;
      }, 30_000);
    }
  }, 150_000);

  it('is not told of an older spec by kubectl itself, for pages and apps', async () => {
    const version = JSON.parse(await world.kubectl(['version', '--client', '-o', 'json'])) as { clientVersion: { gitVersion: string } };
    await world.operator.end('controller');
    await world.patchPage({ name: 'one', namespace: NAMESPACE }, { subscribedFields: ['messages'] });
    await world.patchApp(world.app.place, { graph: { version: 'v24.0' } });

    const early = await Promise.all([kubectlWaits('mpage/one', 2), kubectlWaits('mapp/main', 2)]);
    await world.operator.start(['controller']);
    const late = await Promise.all([kubectlWaits('mpage/one', 60), kubectlWaits('mapp/main', 60)]);

    tell(`kubectl ${version.clientVersion.gitVersion} waits for the status of the present spec`);
    expect(early.every((code) => code !== 0)).toBe(true);
    expect(late).toEqual([0, 0]);
    versions = watches.flatMap((watch) => [...watch.stop()]);
    const canBeReady = { MessengerPage: pageCanBeReady, MessengerApp: appCanBeReady } as const;
    expect(versions.flatMap((one) => complaintsAbout(one, canBeReady[one.object.kind as keyof typeof canBeReady]))).toEqual([]);
  }, 150_000);
});
