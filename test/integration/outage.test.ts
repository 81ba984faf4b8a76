import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '../support/eventually.js';
import { NAMESPACE, PageWorld, tell, type PageAccount } from '../support/page-world.js';

const OUTAGE_MS = 10_000;

let world: PageWorld;
let pages: PageAccount[];

beforeAll(async () => {
  world = await PageWorld.start();
  pages = await Promise.all(['one', 'two', 'three'].map((name) => world.readyPage(name)));
}, 180_000);

afterAll(async () => {
  await world.stop();
}, 60_000);

describe('the operator without its API server', () => {
  it('goes on delivering, and catches up when it is back', async () => {
    const [first, second, third] = pages;
    if (first === undefined || second === undefined || third === undefined) never();
    await world.reaches(first.pageId, world.bot);
    await world.cluster.killApiServer();

    const began = performance.now();
    const statuses = new Set<number | undefined>();
    let sent = 0;
    await eventually(async () => {
      statuses.add(await world.send(pages[sent % pages.length]?.pageId ?? '', `m_outage_${++sent}`));
      return performance.now() - began > OUTAGE_MS;
    }, 3 * OUTAGE_MS);
    expect([...statuses]).toEqual([200]);
    expect(world.bot.mids().filter((mid) => mid.startsWith('m_outage_'))).toHaveLength(sent);
    tell(`${sent} POSTs answered 200 and delivered within ${Math.round((performance.now() - began) / 1_000)} s without an API server`);
    world.sim.control.setFields(world.app.appId, third.pageId, ['messages']);

    await world.cluster.startApiServer();
    const back = performance.now();
    // What lost its Lease has ended, as it must; the kubelet would start it again.
    await eventually(() => performance.now() - back > 2_000 || !world.operator.running('controller'));
    const revived = await world.operator.revive();
    await world.patchPage(first.place, { subscribedFields: ['messages'] });
    await world.kubectl(['delete', 'mpage', second.place.name, '-n', NAMESPACE, '--wait=false']);

    await world.fields(first.pageId, ['messages'], 40_000);
    await world.fields(
      third.pageId,
      ['messages', 'messaging_postbacks', 'messaging_optins', 'messaging_referrals', 'messaging_policy_enforcement'],
      40_000,
    );
    await world.cluster.admin.waitForGone(world.path(second.place), 40_000);
    tell(
      `all caught up ${Math.round(performance.now() - back)} ms after the API server was back (started again: ${revived.join(', ') || 'none'})`,
    );
    expect(revived.filter((role) => role !== 'controller')).toEqual([]);
    expect(world.rowOf(second.pageId)).toBe('none');
    await world.condition(first.place, 'Ready', { status: 'True' });
    const fresh = await world.readyPage('after-the-outage');
    await world.reaches(fresh.pageId, world.bot);
  }, 150_000);

  it('survives a controller that is killed: the next one takes over and repairs', async () => {
    const page = await world.readyPage('taken-over');
    await world.operator.kill('controller');
    world.sim.control.setFields(world.app.appId, page.pageId, ['messages']);
    expect(await world.send(page.pageId, 'm_no_controller')).toBe(200);

    const began = performance.now();
    await world.operator.start(['controller']);
    await world.fields(
      page.pageId,
      ['messages', 'messaging_postbacks', 'messaging_optins', 'messaging_referrals', 'messaging_policy_enforcement'],
      40_000,
    );

    tell(
      `a killed controller's successor had repaired a page after ${Math.round(performance.now() - began)} ms (the Lease has to run out first)`,
    );
  }, 90_000);
});

function never(): never {
  throw new Error('the pages were not made');
}
