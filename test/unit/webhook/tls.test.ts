import { request } from 'node:https';
import { connect } from 'node:tls';

import { afterEach, describe, expect, it } from '@jest/globals';

import { selfSigned } from '../../support/certificate.js';
import { PATH, aBody, aMessage, sign, startEdge, type Edge } from './fakes.js';

let edge: Edge | undefined;
afterEach(async () => {
  await edge?.server.close();
  edge = undefined;
});

function postOverTls(port: number, ca: string, body: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const headers = { 'X-Hub-Signature-256': sign(body) };
    const req = request({ host: '127.0.0.1', port, path: PATH, method: 'POST', headers, ca, agent: false }, (res) => {
      res.resume();
      resolve(res.statusCode);
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
