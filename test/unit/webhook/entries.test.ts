import { afterEach, describe, expect, it } from '@jest/globals';
import { FakeClock } from '../../support/fake-clock.js';
import { PAGE_ID, aMessage, anApp, post, startEdge, type Edge } from './fakes.js';

const NOW = Date.parse('2026-11-23T00:00:00Z');

let edge: Edge | undefined;

async function start(...args: Parameters<typeof startEdge>): Promise<Edge> {
  edge = await startEdge(...args);
  return edge;
}

afterEach(async () => {
  await edge?.server.close();
  edge = undefined;
});

describe('an entry that stays undecided', () => {
  it('counts the bound from the first arrival if Meta writes a new time into each repeat', async () => {
    const clock = new FakeClock(NOW);
    const { port, lookup } = await start({ clock });
    lookup.answers.set(`${anApp().appId}/${PAGE_ID}`, { kind: 'not_yet', why: 'claim_undecided' });
    const repeat = () =>
      post(port, `{"object":"page","entry":[{"id":"${PAGE_ID}","time":${clock.nowMs()},"messaging":[${aMessage('m1')}]}]}`);

    expect((await repeat()).status).toBe(503);
    await clock.advance(1_199_999);
    expect((await repeat()).status).toBe(503);
    await clock.advance(1);
    expect((await repeat()).status).toBe(200);
  });

  it('does not drop a new event because an older one of its entry was seen before', async () => {
    const clock = new FakeClock(NOW);
    const { port, lookup } = await start({ clock });
    lookup.answers.set(`${anApp().appId}/${PAGE_ID}`, { kind: 'not_yet', why: 'claim_undecided' });
    const send = (...mids: string[]) =>
      post(port, `{"object":"page","entry":[{"id":"${PAGE_ID}","messaging":[${mids.map((mid) => aMessage(mid)).join()}]}]}`);

    expect((await send('m1')).status).toBe(503);
    await clock.advance(1_200_000);
    expect((await send('m1', 'm2')).status).toBe(503);
    expect((await send('m1')).status).toBe(200);
  });
});

describe('whose an entry is', () => {
  it('routes an entry without id to the Page that its items name', async () => {
    const { port, delivery } = await start();
    const call = `{"id":"c1","from":"5","to":"${PAGE_ID}","event":"connect"}`;
    const reply = `{"sender":{"id":"5"},"recipient":{"id":"${PAGE_ID}"},"timestamp":1671644824,"call_permission_reply":{"response":"approve"}}`;

    expect((await post(port, `{"object":"page","entry":[{"time":1,"calls":[${call}]}]}`)).status).toBe(200);
    expect((await post(port, `{"object":"page","entry":[${reply}]}`)).status).toBe(200);
    expect(delivery.bodies).toHaveLength(2);
  });

  it('never hands a bot the entry of another Page, hidden behind an equal key', async () => {
    const { port, delivery } = await start();
    const entry = (page: string): string => `[{"id":"${page}","time":1,"messaging":[${aMessage(`m${page}`, 'x', '1', page)}]}]`;

    expect((await post(port, `{"object":"page","entry":${entry('66')},"entry":${entry(PAGE_ID)}}`)).status).toBe(200);
    expect(delivery.bodies).toEqual([`{"object":"page","entry":${entry(PAGE_ID)}}`]);
  });
});
