import { connect } from 'node:net';
import { request as httpsRequest } from 'node:https';
import { afterEach, describe, expect, it } from '@jest/globals';
import { selfSigned } from '../../support/certificate.js';
import { eventually } from '../../support/eventually.js';
import { CANARY, closeServers, setUp } from './set-up.js';

afterEach(closeServers);

describe('the server', () => {
  it('answers 503 until the pages are loaded, and reads only', async () => {
    const { get, directory, url, requests } = await setUp();
    directory.isSynced = false;
    expect((await get('/v1/pages/1001')).status).toBe(503);

    expect((await fetch(`${url}/v1/pages/1001`, { method: 'DELETE' })).status).toBe(405);
    expect((await fetch(`${url}/v1/pages`, { method: 'POST', body: 'x' })).status).toBe(405);
    expect((await fetch(`${url}/v1/pages/%ff`)).status).toBe(404);
    expect(requests).toEqual(['page 503', 'other 405', 'other 405']);
  });

  it('tells nothing of an error, neither to the caller nor a token to the log', async () => {
    const { get, grant, directory, lines } = await setUp();
    grant('get messengerpages/token bots/clinic-a');
    directory.provenToken = () => {
      throw new Error('broken inside');
    };

    const response = await get('/v1/pages/1001/token');

    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain('broken inside');
    expect(lines).toHaveLength(1);
    expect(JSON.stringify(lines)).not.toContain(CANARY);
  });

  it('refuses a body', async () => {
    const { server } = await setUp();
    const { port } = server.address();
    const answer = await new Promise<string>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => socket.write('GET /v1/pages HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello'));
      let text = '';
      socket.on('data', (chunk) => (text += chunk.toString()));
      socket.on('close', () => {
        resolve(text);
      });
    });
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer.toLowerCase()).toContain('connection: close');
  });

  it('drains: finishes what is under way, takes no new connection', async () => {
    const { get, grant, reviews, server, url, clock } = await setUp();
    grant('get messengerpages bots/clinic-a');
    reviews.hangs = true;
    const waiting = get('/v1/pages/1001');
    await eventually(() => reviews.tokenReviews === 1);

    let drained = false;
    const drain = server.drain(25_000).then(() => (drained = true));
    await expect(fetch(`${url}/v1/pages`)).rejects.toThrow();
    expect(drained).toBe(false);
    await clock.advance(3_100);

    const response = await waiting;
    expect(response.status).toBe(503);
    expect(response.headers.get('connection')).toBe('close');
    await drain;
  });

  it('speaks TLS and takes a new certificate without a restart', async () => {
    const first = selfSigned();
    const second = selfSigned();
    const { server } = await setUp({ tls: first });
    const { port } = server.address();
    const status = (ca: string): Promise<number | undefined> =>
      new Promise((resolve, reject) => {
        httpsRequest({ port, host: '127.0.0.1', ca, path: '/v1/pages', agent: false }, (response) => {
          response.resume();
          resolve(response.statusCode);
        })
          .on('error', reject)
          .end();
      });

    expect(await status(first.cert)).toBe(401);
    expect(() => {
      server.setTls({ cert: 'bad', key: 'bad' });
    }).toThrow();
    expect(await status(first.cert)).toBe(401);
    server.setTls(second);
    expect(await status(second.cert)).toBe(401);
    await expect(status(first.cert)).rejects.toThrow();
  });
});
