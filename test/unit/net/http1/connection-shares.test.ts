import { afterEach, describe, expect, it } from '@jest/globals';
import type { BotAnswer } from '../../../../src/net/http1/bot-connection.js';
import { BotClient } from '../../../../src/net/http1/bot-client.js';
import { createDial } from '../../../../src/net/dial/connector.js';
import { CachedResolver, createCaresSource } from '../../../../src/net/dial/resolver.js';
import type { MappedAddress } from '../../../../src/net/dial/service-map.js';
import { systemClock as clock } from '../../../../src/kit/clock.js';
import { ALLOW_NOTHING } from '../../../support/backend-allow.js';
import { eventually } from '../../../support/eventually.js';
import { HEADERS, aBot, answerOf, atEnd, closeAll } from './real-bots.js';

afterEach(closeAll);

/** Reaches every bot of the list as `bot-0`, `bot-1`, … of any of the namespaces. */
function aClientOf(ports: readonly number[], maxConnections: number): BotClient {
  const serviceMap = new Map<string, MappedAddress>();
  for (const namespace of ['greedy', 'victim']) {
    for (const [i, port] of ports.entries()) serviceMap.set(`${namespace}/bot-${i}:80`, { host: '127.0.0.1', port });
  }
  const resolver = new CachedResolver({ source: createCaresSource(), clock });
  const client = new BotClient({
    clock,
    clusterDomain: 'cluster.local',
    serviceMap,
    resolver,
    allow: ALLOW_NOTHING,
    dial: createDial(),
    maxConnections,
  });
  atEnd(() => {
    client.close();
  });
  return client;
}

function send(client: BotClient, namespace: string, bot: number, timeoutMs = 5_000): Promise<BotAnswer> {
  const target = { kind: 'service', namespace, name: `bot-${bot}`, port: 80, path: '/' } as const;
  return answerOf(client, { target, headers: HEADERS, body: Buffer.from('{}'), timeoutMs });
}

describe('connections to all backends', () => {
  it('have a share for each namespace: many hanging bots of one leave some for another', async () => {
    const hanging = await aBot(() => undefined);
    const well = await aBot((res) => res.end());
    const client = aClientOf([...Array.from({ length: 20 }, () => hanging.port), well.port], 10);
    for (let i = 0; i < 20; i++) void send(client, 'greedy', i);
    await eventually(() => hanging.connections() > 0);

    expect(await send(client, 'victim', 20)).toEqual({ kind: 'answer', status: 200 });
    expect(hanging.connections()).toBeLessThanOrEqual(8);
  });

  it('make room for a new one by closing an idle one', async () => {
    const bot = await aBot((res) => res.end());
    const client = aClientOf(
      Array.from({ length: 30 }, () => bot.port),
      5,
    );
    const answers: BotAnswer[] = [];
    for (let i = 0; i < 30; i++) answers.push(await send(client, i % 2 === 0 ? 'greedy' : 'victim', i));

    expect(answers).toEqual(answers.map(() => ({ kind: 'answer', status: 200 })));
  });

  it('are waited for by the requests of a backend that has some', async () => {
    const bot = await aBot((res) => res.end());
    const client = aClientOf([bot.port], 3);

    const answers = await Promise.all(Array.from({ length: 40 }, () => send(client, 'victim', 0)));

    expect(answers).toEqual(answers.map(() => ({ kind: 'answer', status: 200 })));
    expect(bot.connections()).toBeLessThanOrEqual(3);
  });
});
