import { afterEach, describe, expect, it } from '@jest/globals';
import { PATH, VERIFY_TOKEN, anApp, call, startEdge, type Answer, type Edge } from './fakes.js';

let edge: Edge | undefined;

async function start(): Promise<Edge> {
  edge = await startEdge();
  return edge;
}

afterEach(async () => {
  await edge?.server.close();
  edge = undefined;
});

function handshake(port: number, query: string): Promise<Answer> {
  return call(port, { method: 'GET', path: `${PATH}?${query}` });
}

describe('the verification handshake', () => {
  it('gives the bare challenge back as plain text that no browser sniffs', async () => {
    const { port } = await start();

    const answer = await handshake(port, `hub.mode=subscribe&hub.verify_token=${VERIFY_TOKEN}&hub.challenge=1158201444`);

    expect(answer).toMatchObject({ status: 200, text: '1158201444', headers: { 'x-content-type-options': 'nosniff' } });
    expect(answer.headers['content-type']).toMatch(/^text\/plain/);
  });

  it.each([
    ['a wrong token', 'hub.mode=subscribe&hub.verify_token=wrong&hub.challenge=1', 403],
    ['a wrong mode', `hub.mode=unsubscribe&hub.verify_token=${VERIFY_TOKEN}&hub.challenge=1`, 403],
    ['an empty token', 'hub.mode=subscribe&hub.verify_token=&hub.challenge=1', 403],
    [
      'a right token that is only the second value',
      `hub.mode=subscribe&hub.verify_token=x&hub.verify_token=${VERIFY_TOKEN}&hub.challenge=1`,
      403,
    ],
    [
      'a right token that is the first value',
      `hub.mode=subscribe&hub.verify_token=${VERIFY_TOKEN}&hub.verify_token=x&hub.challenge=1`,
      200,
    ],
    ['a missing token', 'hub.mode=subscribe&hub.challenge=1', 400],
    ['a missing mode', `hub.verify_token=${VERIFY_TOKEN}&hub.challenge=1`, 400],
    ['a missing challenge', `hub.mode=subscribe&hub.verify_token=${VERIFY_TOKEN}`, 400],
    ['nothing at all', '', 400],
    ['a challenge of 256 bytes', `hub.mode=subscribe&hub.verify_token=${VERIFY_TOKEN}&hub.challenge=${'1'.repeat(256)}`, 200],
    ['a challenge of 257 bytes', `hub.mode=subscribe&hub.verify_token=${VERIFY_TOKEN}&hub.challenge=${'1'.repeat(257)}`, 400],
  ])('answers %s as it should', async (_name, query, status) => {
    const { port } = await start();

    expect((await handshake(port, query)).status).toBe(status);
  });

  it('takes the token of any app on the path, and of no other path', async () => {
    const { port, lookup } = await start();
    lookup.apps.push(anApp({ appId: '2', verifyToken: 'second' }), anApp({ appId: '3', verifyToken: 'elsewhere', path: '/other' }));

    expect((await handshake(port, 'hub.mode=subscribe&hub.verify_token=second&hub.challenge=1')).status).toBe(200);
    expect((await handshake(port, 'hub.mode=subscribe&hub.verify_token=elsewhere&hub.challenge=1')).status).toBe(403);
  });

  it('is refused while no verify token is loaded', async () => {
    const { port, lookup } = await start();
    lookup.apps.splice(0, 1, anApp({ verifyToken: null }));

    expect((await handshake(port, 'hub.mode=subscribe&hub.verify_token=undefined&hub.challenge=1')).status).toBe(403);
  });
});
