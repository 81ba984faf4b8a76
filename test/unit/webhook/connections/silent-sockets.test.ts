import { once } from 'node:events';
import { connect, Socket } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { systemClock } from '../../../../src/kit/clock.js';
import { DEFAULT_WEBHOOK_LIMITS } from '../../../../src/webhook/limits.js';
import { SilentSockets } from '../../../../src/webhook/connections/silent-sockets.js';
import { eventually } from '../../../support/eventually.js';
import { FakeClock } from '../../../support/fake-clock.js';
import { aBody, aMessage, post, startEdge } from '../fakes.js';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

describe('connections that have not sent a byte', () => {
  const sockets = (count: number): Socket[] => Array.from({ length: count }, () => new Socket());

  it('stay while there is room, and go oldest first when there is none', () => {
    const silent = new SilentSockets(3);
    const [first, second, third, fourth, fifth] = sockets(5);
    for (const socket of [first, second, third]) if (socket !== undefined) silent.add(socket);
    expect(first?.destroyed).toBe(false);

    for (const socket of [fourth, fifth]) if (socket !== undefined) silent.add(socket);
    expect([first, second, third, fourth, fifth].map((socket) => socket?.destroyed)).toEqual([true, true, false, false, false]);
  });

  it('are no longer closed once they have sent a byte, and count until they close', async () => {
    const silent = new SilentSockets(2);
    const [speaker, quiet, late] = sockets(3);
    if (speaker === undefined || quiet === undefined || late === undefined) throw new Error('three were made');
    silent.add(speaker);
    silent.delete(speaker);
    silent.add(quiet);
    silent.add(late);
    expect([speaker.destroyed, quiet.destroyed, late.destroyed]).toEqual([false, true, false]);

    speaker.destroy();
    await eventually(() => silent.open === 1);
    silent.destroyAll();
    await eventually(() => silent.open === 0);
    expect(late.destroyed).toBe(true);
  });

  it('are the only ones that are closed for a new connection', () => {
    const silent = new SilentSockets(1);
    const [speaker, newcomer] = sockets(2);
    if (speaker === undefined || newcomer === undefined) throw new Error('two were made');
    silent.add(speaker);
    silent.delete(speaker);
    silent.add(newcomer);

    expect([speaker.destroyed, newcomer.destroyed]).toEqual([false, false]);
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
    await eventually(() => strangers.filter(({ destroyed }) => destroyed).length >= 650);
    expect(strangers.slice(-20).every(({ destroyed }) => !destroyed)).toBe(true);
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
