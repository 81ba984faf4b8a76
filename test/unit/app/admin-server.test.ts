import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { createAdminServer, type AdminServer, type AdminServerDeps } from '../../../src/app/admin-server.js';
import { Readiness } from '../../../src/app/readiness.js';

const open: AdminServer[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});

async function serve(deps: Partial<AdminServerDeps> = {}) {
  const readiness = new Readiness();
  const server = createAdminServer({ readiness, degraded: () => [], metrics: undefined, debug: {}, ...deps });
  open.push(server);
  const port = await server.listen(0, '127.0.0.1');
  const get = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`);
    return { status: response.status, type: response.headers.get('content-type'), text: await response.text() };
  };
  return { readiness, port, get };
}

describe('the admin server', () => {
  it('is live from the start, and ready once everything is', async () => {
    const { readiness, get } = await serve();
    let synced = false;
    readiness.require(() => (synced ? [] : ['pages: not allowed to list']));

    expect(await get('/livez')).toMatchObject({ status: 200, text: 'ok\n' });
    expect(await get('/readyz')).toMatchObject({ status: 503, text: 'not ready:\n  - starting\n  - pages: not allowed to list\n' });
    readiness.grant();
    expect(await get('/readyz')).toMatchObject({ status: 503, text: 'not ready:\n  - pages: not allowed to list\n' });
    synced = true;
    expect(await get('/readyz')).toMatchObject({ status: 200, text: 'ok\n' });
    readiness.withdraw('stopping');
    expect(await get('/readyz')).toMatchObject({ status: 503, text: 'not ready:\n  - stopping\n' });
    expect(await get('/livez')).toMatchObject({ status: 200 });
  });

  it('tells what goes wrong, and is ready all the same', async () => {
    const { readiness, get } = await serve({ degraded: () => ['secrets: not allowed to watch'] });
    readiness.grant();
    expect(await get('/readyz')).toMatchObject({ status: 200, text: 'ok\ndegraded:\n  - secrets: not allowed to watch\n' });
  });

  it('shows metrics and what there is to debug', async () => {
    const metrics = { contentType: 'text/plain; version=0.0.4; charset=utf-8', text: () => Promise.resolve('messenger_x 1\n') };
    const { get } = await serve({ metrics, debug: { pages: () => [{ pageId: '1' }] } });
    expect(await get('/metrics')).toEqual({ status: 200, type: metrics.contentType, text: 'messenger_x 1\n' });
    expect(await get('/debug/pages')).toMatchObject({ status: 200, text: '[{"pageId":"1"}]' });
    expect((await get('/debug/others')).status).toBe(404);
    expect((await get('/')).status).toBe(404);
  });

  it('answers probes although hundreds of idle connections are open, and keeps none of its own', async () => {
    const { port, get } = await serve();
    const idle = Array.from({ length: 300 }, () => connect(port, '127.0.0.1').on('error', () => undefined));
    await Promise.all(idle.slice(0, 256).map((socket) => once(socket, 'connect')));

    for (let probe = 0; probe < 5; probe++) expect(await get('/livez')).toMatchObject({ status: 200 });

    expect((await fetch(`http://127.0.0.1:${port}/livez`)).headers.get('connection')).toBe('close');
    for (const socket of idle) socket.destroy();
  });

  it('says in words that its port is taken', async () => {
    const { port } = await serve();
    const server = createAdminServer({ readiness: new Readiness(), degraded: () => [], metrics: undefined, debug: {} });
    await expect(server.listen(port, '127.0.0.1')).rejects.toThrow(
      `cannot listen on 127.0.0.1 port ${port} (--admin-port): another process listens there`,
    );
    await expect(server.listen(0, '192.0.2.1')).rejects.toThrow('this machine has no such address (--bind-address)');
  });
});
