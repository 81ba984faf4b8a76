import { once } from 'node:events';
import { Agent } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { send } from '../events/support/send.js';
import { Arena, bodyOf, CHART_LIMIT_MIB, GREEDY, messageOf, type Figures } from './support/arena.js';

const MIB = 1_024 * 1_024;
const CALM_SECONDS = 2;
const ATTACK_SECONDS = 8;

let arena: Arena;
const ending: (() => void)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0)) end();
  await arena.stop();
});

/** The victim's figures without the attack, and what they are if all is as well beside it. */
async function beside(attack: () => Promise<unknown>): Promise<{ readonly calm: Figures; readonly attacked: Figures }> {
  const calm = await arena.victim(CALM_SECONDS);
  expect(calm).toEqual(well(CALM_SECONDS));
  const attacking = attack();
  const attacked = await arena.victim(ATTACK_SECONDS);
  await attacking;
  return { calm, attacked };
}

const well = (seconds: number): Figures => ({ statuses: { 200: 20 * seconds }, lost: 0, twice: 0 });

/** Sends it again each time it is answered, as long as the victim is looked at. */
async function again(body: string, statuses: number[] = []): Promise<number[]> {
  const endMs = performance.now() + ATTACK_SECONDS * 1_000;
  while (performance.now() < endMs) statuses.push(await send(arena.to, body));
  return statuses;
}

describe('one tenant beside another, at one webhook process', () => {
  it('costs it nothing with a POST of 48,000 events for a slow bot', async () => {
    arena = await Arena.start({ maxInFlight: 1_000 });
    arena.greedyBot.mood = 'slow';
    const body = bodyOf(
      GREEDY,
      Array.from({ length: 48_000 }, (_, i) => messageOf(GREEDY, `${i}`)),
    );
    const statuses: number[] = [];

    const { attacked } = await beside(() => again(body, statuses));

    expect(attacked).toEqual(well(ATTACK_SECONDS));
    expect(new Set(statuses)).toEqual(new Set([503]));
    expect((await arena.usage()).maxRssMb).toBeLessThan(CHART_LIMIT_MIB);
  }, 60_000);

  it('costs it nothing with a slow bot, a maxInFlight of 1,000 and more POSTs than a process takes', async () => {
    arena = await Arena.start({ maxInFlight: 1_000 }, { maxInFlight: 128 });
    arena.greedyBot.mood = 'hanging';
    const agent = new Agent({ keepAlive: true });
    ending.push(() => {
      agent.destroy();
    });
    const endMs = performance.now() + (CALM_SECONDS + ATTACK_SECONDS) * 1_000;
    const statuses: number[] = [];
    let n = 0;
    const sender = async (): Promise<void> => {
      while (performance.now() < endMs) {
        statuses.push(await send({ ...arena.to, agent }, bodyOf(GREEDY, [messageOf(GREEDY, `slow_${n++}`)])));
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    };

    const { attacked } = await beside(() => Promise.all(Array.from({ length: 160 }, sender)));

    expect(attacked).toEqual(well(ATTACK_SECONDS));
    expect(statuses.length).toBeGreaterThan(160);
    expect(new Set(statuses)).toEqual(new Set([503]));
  }, 60_000);

  it('costs it nothing with POSTs of 4 MB that could become 2 GB each, and gets its events', async () => {
    arena = await Arena.start();
    const pad = `"pad":"${'x'.repeat(4 * MIB)}",`;
    const posts = 3;
    const body = (post: number): string =>
      bodyOf(
        GREEDY,
        Array.from({ length: 500 }, (_, i) => messageOf(GREEDY, `pad_${post}_${i}`)),
        pad,
      );
    const statuses: number[] = [];

    const { attacked } = await beside(async () => {
      for (let post = 0; post < posts; post++) statuses.push(await send(arena.to, body(post)));
    });

    expect(attacked).toEqual(well(ATTACK_SECONDS));
    expect(statuses).toEqual([200, 200, 200]);
    expect(arena.greedyBot.came.size).toBe(500 * posts);
    expect(arena.greedyBot.bytes).toBeLessThan(6 * posts * 4 * MIB);
    expect((await arena.usage()).maxRssMb).toBeLessThan(CHART_LIMIT_MIB);
  }, 60_000);
});

describe('a stranger at the public listener', () => {
  it('costs nothing with more connections than there may be that each spoke once and then wait', async () => {
    arena = await Arena.start({}, { maxConnections: 400 });
    const open: Socket[] = [];
    ending.push(() => {
      for (const socket of open) socket.destroy();
    });
    const stranger = async (): Promise<void> => {
      const socket = connect(arena.port, '127.0.0.1');
      open.push(socket);
      socket.on('error', () => undefined);
      socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n');
      // It may be closed for the next one before its answer has come.
      await Promise.race([once(socket, 'data'), once(socket, 'close')]).catch(() => undefined);
    };

    const { attacked } = await beside(async () => {
      for (let i = 0; i < 30; i++) await Promise.all(Array.from({ length: 20 }, stranger));
    });

    expect(attacked).toEqual(well(ATTACK_SECONDS));
    expect(open.length).toBe(600);
  }, 60_000);
});
