import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '../support/eventually.js';
import { NAMESPACE, PageWorld, tell } from '../support/page-world.js';
import type { Place } from '../support/page-manifests.js';

let world: PageWorld;

beforeAll(async () => {
  world = await PageWorld.start();
  world.cluster.expectRefusals({
    ...{ role: 'webhook', verb: 'get', resource: 'secrets', namespace: 'short-lived' },
    because: 'the webhook may not read Secrets of a namespace that is not its own',
  });
}, 180_000);

afterAll(async () => {
  await world.stop();
}, 60_000);

const leftSubscribed = (place: Place) =>
  eventually(async () => (await world.events(place)).find(({ reason }) => reason === 'LeftSubscribed'));

describe('the end of a page on a real API server', () => {
  it('deleted, is unsubscribed and gone', async () => {
    const { place, pageId } = await world.readyPage('deleted');

    const began = performance.now();
    await world.kubectl(['delete', 'mpage', place.name, '-n', NAMESPACE, '--timeout=30s']);

    tell(`kubectl delete of a page took ${Math.round(performance.now() - began)} ms`);
    expect(world.rowOf(pageId)).toBe('none');
    expect(await world.page(place)).toBeUndefined();
    expect((await world.events(place)).map(({ reason }) => reason)).not.toContain('LeftSubscribed');
  });

  it('deleted with app and Secret in one go, is unsubscribed all the same', async () => {
    const app = world.newApp('short-lived');
    const page = world.newPage('with-all', { appId: app.appId });
    const manifests = [...world.appManifests(app), ...world.pageManifests(page, { appRef: { name: app.place.name } })];
    await world.kubectl(['apply', '-f', '-'], manifests);
    await world.condition(page.place, 'Ready', { status: 'True' });

    await world.kubectl(['delete', '-f', '-', '--timeout=30s'], manifests);

    expect(world.rowOf(page.pageId)).toBe('none');
    expect(await world.page(page.place)).toBeUndefined();
    expect(await world.appObject(app.place)).toBeUndefined();
    expect((await world.events(page.place)).map(({ reason }) => reason)).not.toContain('LeftSubscribed');
  });

  it('deleted with its namespace, is unsubscribed and holds nothing up', async () => {
    const namespace = 'short-lived';
    const place = { name: 'passing', namespace };
    const app = { ...world.newApp('passing'), place };
    const page = world.newPage('passing', { namespace, appId: app.appId });
    await world.kubectl(['create', 'namespace', namespace]);
    await world.apply(...world.appManifests(app), ...world.pageManifests(page, { appRef: { name: 'passing' } }));
    await world.condition(place, 'Claimed', { status: 'True' });
    await world.fields(page.pageId, [
      'messages',
      'messaging_postbacks',
      'messaging_optins',
      'messaging_referrals',
      'messaging_policy_enforcement',
    ]);

    await world.kubectl(['delete', 'namespace', namespace, '--timeout=60s']);

    expect(world.rowOf(page.pageId)).toBe('none');
  }, 90_000);

  it('to be retained, is left subscribed without a warning', async () => {
    const { place, pageId } = await world.readyPage('retained', { deletionPolicy: 'Retain' });
    const before = world.rowOf(pageId);

    await world.kubectl(['delete', 'mpage', place.name, '-n', NAMESPACE, '--timeout=30s']);

    expect(before).not.toBe('none');
    expect(world.rowOf(pageId)).toBe(before);
    expect((await world.events(place)).map(({ reason }) => reason)).not.toContain('LeftSubscribed');
  });

  it('whose token is dead, is released with an Event that says how to finish by hand', async () => {
    const { place, pageId, alias } = await world.readyPage('dead-token');
    world.sim.control.setTokenState(alias, 'uninstalled');
    // Not even the app may any more.
    world.sim.control.addFault({ method: 'DELETE', pageId, effect: { kind: 'error', code: 190, subcode: 458, status: 400 } });

    await world.kubectl(['delete', 'mpage', place.name, '-n', NAMESPACE, '--timeout=30s']);

    const event = await leftSubscribed(place);
    expect(event).toMatchObject({ type: 'Warning' });
    expect(event.note).toContain(pageId);
    world.sim.control.removeFault();
  });

  it('whose credentials went while nobody looked, is released with the Event', async () => {
    const app = world.newApp('vanishing');
    const page = world.newPage('forgotten', { appId: app.appId });
    await world.apply(...world.appManifests(app), ...world.pageManifests(page, { appRef: { name: app.place.name } }));
    await world.condition(page.place, 'Ready', { status: 'True' });
    const before = world.rowOf(page.pageId);

    await world.operator.end('controller');
    await world.kubectl(['delete', 'secret', page.place.name, app.place.name, '-n', NAMESPACE]);
    await world.operator.start(['controller']);
    const began = performance.now();
    await world.kubectl(['delete', 'mpage', page.place.name, '-n', NAMESPACE, '--timeout=40s']);

    tell(`a page without any credentials is released in ${Math.round(performance.now() - began)} ms`);
    expect(before).not.toBe('none');
    expect(world.rowOf(page.pageId)).toBe(before);
    expect((await leftSubscribed(page.place)).note).toContain(page.pageId);
  }, 60_000);

  it('is caught up with when it was deleted while the controller was down', async () => {
    const { place, pageId } = await world.readyPage('deleted-meanwhile');

    await world.operator.end('controller');
    await world.kubectl(['delete', 'mpage', place.name, '-n', NAMESPACE, '--wait=false']);
    expect((await world.page(place))?.metadata.deletionTimestamp).toBeDefined();
    await world.operator.start(['controller']);

    await world.cluster.admin.waitForGone(world.path(place), 20_000);
    expect(world.rowOf(pageId)).toBe('none');
  }, 60_000);

  it('waits for Graph to come back, and then unsubscribes', async () => {
    const { place, pageId } = await world.readyPage('patient');
    const { id } = world.sim.control.addFault({ pageId, effect: { kind: 'http', status: 503 } });

    await world.kubectl(['delete', 'mpage', place.name, '-n', NAMESPACE, '--wait=false']);
    const since = world.sim.control.calls().length;
    await eventually(
      () =>
        world.sim.control
          .calls()
          .slice(since)
          .filter((call) => call.pageId === pageId && call.status === 503).length >= 2,
    );
    expect((await world.page(place))?.metadata.finalizers).toEqual(['messenger-operator.dev/unsubscribe']);
    world.sim.control.removeFault(id);

    await world.cluster.admin.waitForGone(world.path(place), 30_000);
    expect(world.rowOf(pageId)).toBe('none');
  }, 60_000);

  it('needed no right that the chart does not give', async () => {
    // The webhook is told to stay away from that namespace's Secrets, and nobody may put an Event
    // into one that is going away.
    expect((await world.refusals()).filter((text) => !text.includes('/namespaces/short-lived/'))).toEqual([]);
  });
});
