import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { KubePool, type KubePoolOptions } from '../../../src/net/kube-pool.js';
import { eventually } from '../../support/eventually.js';

const portOf = (server: Server): number => (server.address() as AddressInfo).port;
const listen = (server: Server): Promise<void> => new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));

describe('KubePool', () => {
  let server: Server;
  let sockets: Set<Socket>;
  let pools: KubePool[];
  let held: (() => void)[];

  beforeEach(async () => {
    sockets = new Set();
    pools = [];
    held = [];
    server = createServer((request, response) => {
      const answer = (): void => void response.end(`${request.method ?? ''} ${request.url ?? ''} HTTP/${request.httpVersion}`);
      if (request.url === '/hold') held.push(answer);
      else answer();
    });
    server.on('connection', (socket) => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
    });
    await listen(server);
  });

  afterEach(async () => {
    await Promise.all(pools.map((pool) => pool.destroy()));
    await new Promise((resolve) => server.close(resolve));
  });

  function open(options: Partial<KubePoolOptions> = {}): KubePool {
    const pool = new KubePool({ origin: `http://127.0.0.1:${portOf(server)}`, tls: {}, connections: 2, ...options });
    pools.push(pool);
    return pool;
  }

  async function get(pool: KubePool, path: string, signal = new AbortController().signal): Promise<string> {
    const { body } = await pool.request({ method: 'GET', path, headers: {}, signal });
    let text = '';
    for await (const chunk of body) text += Buffer.from(chunk).toString();
    return text;
  }

  it('speaks HTTP/1.1 over no more connections than it may, and keeps them', async () => {
    const pool = open();
    const answers = Array.from({ length: 6 }, () => get(pool, '/hold'));
    for (let served = 0; served < 6; served += 2) {
      await eventually(() => held.length === 2);
      expect(sockets.size).toBe(2);
      for (const answer of held.splice(0)) answer();
    }
    expect(await Promise.all(answers)).toEqual(Array(6).fill('GET /hold HTTP/1.1'));
    expect(await get(pool, '/later')).toBe('GET /later HTTP/1.1');
    expect(sockets.size).toBe(2);
  });

  it('ends a request with its signal and gives its connection up, so that the next one gets another', async () => {
    const pool = open({ connections: 1 });
    const abort = new AbortController();
    const asked = get(pool, '/hold', abort.signal);
    await eventually(() => held.length === 1);
    abort.abort(new Error('enough'));
    await expect(asked).rejects.toThrow('enough');
    expect(await get(pool, '/next')).toBe('GET /next HTTP/1.1');
  });

  it('goes through the proxy of the kubeconfig', async () => {
    const tunnels: string[] = [];
    const proxy = createServer();
    proxy.on('connect', (request, socket: Socket) => {
      tunnels.push(request.url ?? '');
      const upstream = connect(portOf(server), '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
        upstream.pipe(socket).pipe(upstream);
      });
      upstream.on('error', () => socket.destroy());
      socket.on('error', () => upstream.destroy());
    });
    await listen(proxy);
    const pool = open({ origin: `http://api.example:${portOf(server)}`, proxyUrl: `http://127.0.0.1:${portOf(proxy)}` });
    expect(await get(pool, '/through')).toBe('GET /through HTTP/1.1');
    expect(tunnels).toEqual([`api.example:${portOf(server)}`]);
    await pool.destroy();
    await new Promise((resolve) => proxy.close(resolve));
  });

  it('ends everything when it is destroyed', async () => {
    const pool = open();
    const asked = get(pool, '/hold');
    await eventually(() => held.length === 1);
    await pool.destroy();
    await expect(asked).rejects.toThrow();
    await eventually(() => sockets.size === 0);
  });
});
