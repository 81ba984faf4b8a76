import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { CONTROL_ROUTES } from '../../../src/simulator/control-api.js';
import { CONTROL_CALLS } from '../../../src/simulator/control-index.js';
import { startSimulator, type RunningSimulator } from '../../../src/simulator/simulator.js';
import { startReceiver, type Receiver } from './receiver.js';

let sim: RunningSimulator;
let receiver: Receiver;

beforeEach(async () => {
  sim = await startSimulator();
  receiver = await startReceiver();
});

afterEach(async () => {
  await sim.stop();
  await receiver.close();
});

async function control(method: string, path: string, body?: unknown): Promise<{ status: number; json: Record<string, unknown> }> {
  const init = body === undefined ? { method } : { method, body: JSON.stringify(body) };
  const response = await fetch(`${sim.url}/_sim/${path}`, init);
  return { status: response.status, json: (await response.json()) as Record<string, unknown> };
}

describe('the control API', () => {
  it('plays a whole story over HTTP', async () => {
    await control('POST', 'apps', { id: '111', secret: 's3cret-of-the-app' });
    await control('POST', 'pages', { id: '222', name: 'Clinic A' });
    const token = (await control('POST', 'tokens', { alias: 'clinic-a', appId: '111', pageId: '222' })).json;
    expect(token).toMatchObject({
      alias: 'clinic-a',
      type: 'PAGE',
      state: 'valid',
      token: expect.stringMatching(/^EAA[A-Za-z0-9]{40,}$/) as unknown,
    });
    await control('PUT', 'apps/111/subscriptions/page', { callbackUrl: receiver.url, fields: ['messages'] });
    await control('PUT', 'pages/222/subscriptions/111', { fields: ['messages', 'feed'] });

    const sent = await control('POST', 'send', { appId: '111', events: [{ pageId: '222', user: 'ann', text: 'hello' }] });
    expect(sent.json).toMatchObject({ delivery: { state: 'delivered', attempts: [{ status: 200 }] }, left: [] });
    expect(String(receiver.received[0]?.body)).toContain('"text":"hello"');

    await control('POST', 'tokens/clinic-a', { state: 'password_changed' });
    await control('DELETE', 'pages/222/subscriptions/111');
    await control('POST', 'config', { strictDelete: true });
    await control('POST', 'faults', { operation: 'node', effect: { kind: 'error', code: 2 } });
    const state = (await control('GET', 'state')).json;
    expect(state).toMatchObject({
      apps: [{ id: '111' }],
      tokens: [{ alias: 'clinic-a', state: 'password_changed' }],
      subscriptions: [],
      appSubscriptions: [{ appId: '111', object: 'page', callbackUrl: receiver.url }],
      faults: [{ id: 'fault-1' }],
      config: { strictDelete: true },
    });
    const shown = JSON.stringify([state, (await control('GET', 'calls')).json, (await control('GET', 'deliveries')).json]);
    expect(shown).not.toContain(token['token']);
    expect(shown).not.toContain('s3cret-of-the-app');

    await control('DELETE', 'faults/fault-1');
    await control('POST', 'reset');
    expect((await control('GET', 'state')).json).toMatchObject({ apps: [], tokens: [], faults: [], config: { strictDelete: false } });
  });

  it('can be read on from a number', async () => {
    await fetch(`${sim.url}/me`);
    await fetch(`${sim.url}/me`);
    const { calls } = (await control('GET', 'calls')).json as { calls: { seq: number }[] };
    expect(calls).toHaveLength(2);
    expect((await control('GET', `calls?since=${calls[0]?.seq}`)).json['calls']).toHaveLength(1);
    expect((await control('GET', 'messages?since=junk')).json['messages']).toEqual([]);
  });

  it.each([
    ['a call that is none', 'GET nope', undefined, '_sim lists all'],
    ['a body that is none', 'POST apps', undefined, 'takes a JSON object'],
    ['an app without an id', 'POST apps', { secret: 'x' }, 'an app needs an id'],
    ['an app without a secret', 'POST apps', { id: '1' }, 'an app needs a secret'],
    ['a token for no app', 'POST tokens', { appId: '9', pageId: '1' }, 'there is no app 9'],
    ['an unknown token', 'POST tokens/nobody', { state: 'expired' }, 'there is no such token'],
    ['an unknown setting', 'POST config', { strict: true }, 'there is no setting strict'],
    ['an unknown app', 'DELETE pages/9/subscriptions/1', undefined, 'there is no app 1'],
    ['a fault for no operation', 'POST faults', { operation: 'nope', effect: { kind: 'drop' } }, "a fault's operation is one of node"],
    ['a fault without an effect that there is', 'POST faults', { effect: { kind: 'nope' } }, "a fault's effect is one of error"],
    ['a fault without an effect', 'POST faults', {}, 'kind'],
    ['a seed with a number for an id', 'POST seed', { apps: [{ id: 1234567 }] }, 'apps[0].id has to be in quotes'],
  ])('says in words what is wrong with %s', async (_name, call, body, text) => {
    const [method = '', path = ''] = call.split(' ');
    const answer = await control(method, path, body);
    expect(answer.status).toBe(path === 'nope' ? 404 : 400);
    expect(answer.json['error']).toContain(text);
  });

  it('lists every call with an example that works on a fresh simulator', async () => {
    expect(CONTROL_CALLS.map(({ call }) => call).sort()).toEqual([...CONTROL_ROUTES].sort());
    const index = await (await fetch(`${sim.url}/_sim`)).text();
    expect(index).toContain(`curl -s ${sim.url}/_sim/state`);
    const path = (call: string) =>
      (call.split(' ')[1] ?? '')
        .replace(':page', '222')
        .replace(':app', '111')
        .replace(':object', 'page')
        .replace(':token', 'clinic-a')
        .replace(':id', 'x');
    for (const { call, example } of CONTROL_CALLS.filter(({ call: name }) => !/^(GET $|DELETE|GET )/.test(name))) {
      const answer = await control(
        call.split(' ')[0] ?? '',
        path(call),
        example === undefined ? {} : JSON.parse(example.replaceAll('http://127.0.0.1:8080/webhooks/messenger', receiver.url)),
      );
      expect([call, answer.status]).toEqual([call, 200]);
    }
  });

  it('is described in docs/simulator.md, call by call', () => {
    const docs = readFileSync('docs/simulator.md', 'utf8');
    for (const route of CONTROL_ROUTES) {
      const [method = '', path = ''] = route.split(' ');
      expect(docs).toContain(`\`${method} /_sim${path === '' ? '' : `/${path}`}`);
    }
  });
});

describe('the control API and web pages', () => {
  /** With any header: `fetch` sets Host and Origin itself. */
  const status = (url: string, headers: Readonly<Record<string, string>>, method = 'GET'): Promise<number> =>
    new Promise((resolve, reject) => {
      const sent = request(`${url}/_sim/state`, { headers, method }, (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      });
      sent.on('error', reject).end();
    });

  it.each([
    ['a tool', {}, 200],
    ['a tool within a cluster', { host: 'graph.sim.svc:9190' }, 200],
    ['a web page of its own', { host: 'localhost:9190', origin: 'http://localhost:9190' }, 200],
    ['a web page of another origin', { origin: 'https://evil.example' }, 403],
    ['a sandboxed web page', { origin: 'null' }, 403],
    ['a name that was made to lead here', { host: 'evil.example', origin: 'http://evil.example' }, 403],
  ])('answers %s with its state or a refusal', async (_who, headers, want) => {
    expect(await status(sim.url, headers)).toBe(want);
  });
});
