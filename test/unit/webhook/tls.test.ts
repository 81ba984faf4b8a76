import { Agent, request } from 'node:https';
import { connect } from 'node:tls';
import { afterEach, describe, expect, it } from '@jest/globals';
import { DEFAULT_WEBHOOK_LIMITS } from '../../../src/webhook/limits.js';
import { selfSigned } from '../../support/certificate.js';
import { FakeClock } from '../../support/fake-clock.js';
import { PATH, aBody, aMessage, sign, startEdge, type Edge } from './fakes.js';

let edge: Edge | undefined;
let agent: Agent | undefined;
afterEach(async () => {
  agent?.destroy();
  agent = undefined;
  await edge?.server.close();
  edge = undefined;
});

function postOverTls(port: number, ca: string, body: string, by: Agent | false = false): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const headers = { 'X-Hub-Signature-256': sign(body) };
    const req = request({ host: '127.0.0.1', port, path: PATH, method: 'POST', headers, ca, agent: by }, (res) => {
      res.resume().once('end', () => {
        resolve(res.statusCode);
      });
    });
    req.on('error', reject);
    req.end(body);
  });
}

/** The name in the certificate that a new connection is shown. */
function shownName(port: number): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().subject.CN);
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

describe('the listener with a certificate', () => {
  it('serves over TLS, and nothing in the clear', async () => {
    const pair = selfSigned();
    edge = await startEdge({ tls: pair });
    const body = aBody(aMessage('m1'));

    expect(await postOverTls(edge.port, pair.cert, body)).toBe(200);
    await expect(postOverTls(edge.port, selfSigned().cert, body)).rejects.toThrow();
  });

  it('keeps a connection that requests come on for longer than a newcomer has to make one', async () => {
    const pair = selfSigned();
    const clock = new FakeClock();
    edge = await startEdge({ tls: pair, clock });
    agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const connections = new Set<unknown>();
    agent.on('free', (socket) => connections.add(socket));
    const { headersTimeoutMs, lingerMs } = DEFAULT_WEBHOOK_LIMITS;

    for (const mid of ['m1', 'm2', 'm3']) {
      expect(await postOverTls(edge.port, pair.cert, aBody(aMessage(mid)), agent)).toBe(200);
      await clock.advance(headersTimeoutMs + lingerMs);
    }

    expect(connections.size).toBe(1);
    expect(edge.observed.counts['refused:bad_request']).toBeUndefined();
  });

  it('shows a new certificate without a restart, and keeps the old one when the new one is bad', async () => {
    edge = await startEdge({ tls: selfSigned('first') });
    const { port, server } = edge;

    expect(await shownName(port)).toBe('first');
    server.setTls(selfSigned('second'));
    expect(await shownName(port)).toBe('second');
    expect(() => {
      server.setTls({ cert: 'no certificate', key: 'no key' });
    }).toThrow();
    expect(await shownName(port)).toBe('second');
  });
});
