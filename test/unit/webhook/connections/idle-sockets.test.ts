import { once } from 'node:events';
import { Agent } from 'node:http';
import { connect, Socket } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { systemClock } from '../../../../src/kit/clock.js';
import { DEFAULT_WEBHOOK_LIMITS } from '../../../../src/webhook/limits.js';
import { IdleSockets } from '../../../../src/webhook/connections/idle-sockets.js';
import { eventually } from '../../../support/eventually.js';
import { FakeClock } from '../../../support/fake-clock.js';
import { send } from '../../../events/support/send.js';
import { APP_SECRET, aBody, aMessage, post, startEdge } from '../fakes.js';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

describe('connections that have not sent a byte', () => {
  const sockets = (count: number): Socket[] => Array.from({ length: count }, () => new Socket());

  it('stay while there is room, and go oldest first when there is none', () => {
    const silent = new IdleSockets(3, new FakeClock());
    const [first, second, third, fourth, fifth] = sockets(5);
    for (const socket of [first, second, third]) if (socket !== undefined) silent.add(socket);
    expect(first?.destroyed).toBe(false);

    for (const socket of [fourth, fifth]) if (socket !== undefined) silent.add(socket);
    expect([first, second, third, fourth, fifth].map((socket) => socket?.destroyed)).toEqual([true, true, false, false, false]);
  });

  it('are no longer closed once they have sent a byte, and count until they close', async () => {
    const clock = new FakeClock();
    const silent = new IdleSockets(2, clock);
    const [speaker, quiet, late] = sockets(3);
    if (speaker === undefined || quiet === undefined || late === undefined) throw new Error('three were made');
    silent.add(speaker);
    silent.spoke(speaker);
    silent.add(quiet);
    await clock.advance(1_000);
    silent.add(late);
    expect([speaker.destroyed, quiet.destroyed, late.destroyed]).toEqual([false, true, false]);

    speaker.destroy();
    await eventually(() => silent.open === 1);
    silent.destroySilent();
    await eventually(() => silent.open === 0);
    expect(late.destroyed).toBe(true);
  });

  it('go before all others, then the one that is idle the longest, then one that carried a verified request', async () => {
    const clock = new FakeClock();
    const idle = new IdleSockets(5, clock);
    const all = sockets(10);
    const [verified, spokeFirst, spokeLater, busy, silent] = all.slice(0, 5) as [Socket, Socket, Socket, Socket, Socket];
    for (const socket of all.slice(0, 5)) idle.add(socket);
    for (const socket of [verified, spokeFirst, spokeLater, busy]) {
      idle.spoke(socket);
      idle.request(socket, 1);
    }
    idle.verified(verified);
    for (const socket of [verified, spokeFirst, spokeLater]) idle.request(socket, -1);
    const gone: string[] = [];
    const names = new Map([
      [silent, 'silent'],
      [spokeFirst, 'spoke first'],
      [spokeLater, 'spoke later'],
      [verified, 'verified'],
      [busy, 'busy'],
    ]);
    await clock.advance(1_000);
    for (const socket of all.slice(5)) {
      idle.add(socket);
      idle.spoke(socket);
      idle.request(socket, 1);
      gone.push(...[...names].filter(([known]) => known.destroyed).map(([, name]) => name));
      for (const known of names.keys()) if (known.destroyed) names.delete(known);
    }

    expect(gone).toEqual(['silent', 'spoke first', 'spoke later', 'verified']);
    expect(busy.destroyed).toBe(false);
  });

  it('have a second for their first byte before one that has spoken and is idle', () => {
    const idle = new IdleSockets(2, new FakeClock());
    const [spoke, fresh, next] = sockets(3) as [Socket, Socket, Socket];
    idle.add(spoke);
    idle.spoke(spoke);
    idle.add(fresh);

    idle.add(next);

    expect([spoke.destroyed, fresh.destroyed]).toEqual([true, false]);
  });
});

describe('the listener', () => {
  function open(port: number): Promise<Socket> {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    closing.push(() => socket.destroy());
    return once(socket, 'connect').then(() => socket);
  }

  it('takes a POST although more silent connections were opened than it may have', async () => {
    const edge = await startEdge({ clock: systemClock, limits: { maxConnections: 540 } });
    closing.push(() => edge.server.close());
    const strangers: Socket[] = [];
    for (let i = 0; i < 700; i++) strangers.push(await open(edge.port));

    expect((await post(edge.port, aBody(aMessage('m1')))).status).toBe(200);
    await eventually(() => strangers.filter(({ destroyed }) => destroyed).length >= 430);
    expect(strangers.slice(-20).every(({ destroyed }) => !destroyed)).toBe(true);
  });

  it.each([20, 400])('of %i connections keeps silent ones while there is room', async (maxConnections) => {
    const edge = await startEdge({ clock: systemClock, limits: { maxConnections } });
    closing.push(() => edge.server.close());
    const some: Socket[] = [];
    for (let i = 0; i < maxConnections / 2 - 1; i++) some.push(await open(edge.port));

    expect((await post(edge.port, aBody(aMessage('m1')))).status).toBe(200);
    expect(some.filter(({ destroyed }) => destroyed)).toEqual([]);
  });

  it('closes those that spoke once and are idle for a new one, and not the connection that Meta uses', async () => {
    const edge = await startEdge({ clock: systemClock, limits: { maxConnections: 200 } });
    closing.push(() => edge.server.close());
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    closing.push(() => {
      agent.destroy();
    });
    const meta = (): Promise<number> => send({ port: edge.port, secret: APP_SECRET, agent }, aBody(aMessage('m1')));
    expect(await meta()).toBe(200);
    const [own] = Object.values(agent.freeSockets).flatMap((sockets = []) => sockets);
    const strangers: Socket[] = [];
    for (let i = 0; i < 300; i++) {
      const socket = await open(edge.port);
      socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n');
      await once(socket, 'data');
      strangers.push(socket);
    }

    expect((await post(edge.port, aBody(aMessage('m2')))).status).toBe(200);
    await eventually(() => strangers.filter(({ destroyed }) => destroyed).length >= 195);
    expect(own?.destroyed).toBe(false);
    expect(await meta()).toBe(200);
    expect(Object.values(agent.freeSockets).flatMap((sockets = []) => sockets)).toEqual([own]);
  });

  it('leaves a silent connection alone, and gives it its time for a request from its first byte on', async () => {
    const clock = new FakeClock();
    const edge = await startEdge({ clock });
    closing.push(() => edge.server.close());
    const socket = await open(edge.port);
    let said = '';
    socket.on('data', (chunk) => (said += chunk.toString('latin1')));
    await clock.advance(10 * DEFAULT_WEBHOOK_LIMITS.headersTimeoutMs);
    expect(socket.destroyed).toBe(false);

    socket.write('G');
    await eventually(async () => {
      await clock.advance(DEFAULT_WEBHOOK_LIMITS.headersTimeoutMs / 4);
      return said !== '';
    });
    expect(said).toMatch(/^HTTP\/1\.1 408 /);
  });
});
