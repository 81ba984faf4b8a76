import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '../../support/eventually.js';
import { command, type Ran, type Running, start } from './io.js';

let simulator: Running;
let url = '';
const verb = (...args: readonly string[]): Promise<Ran> => command(['simulator', ...args, '--simulator-url', url, '-o', 'json']);
const told = async (...args: readonly string[]): Promise<Record<string, unknown>> =>
  JSON.parse((await verb(...args)).stdout) as Record<string, unknown>;

beforeAll(async () => {
  simulator = start(['simulator', '--port', '0']);
  url = await eventually(() => /"url":"([^"]+)"/.exec(simulator.stderr())?.[1]);
});
afterAll(async () => {
  simulator.stop();
  expect(await simulator.ended).toMatchObject({ code: 0 });
});

describe('simulator', () => {
  it('is played with by verbs', async () => {
    await told('app', '111', 's3cret-s3cret', 'Main');
    await told('page', '222', 'Clinic A');
    expect(await told('token', '111', '222', 'clinic-a')).toMatchObject({ alias: 'clinic-a', token: expect.stringMatching(/^EAA/) });
    expect(await told('revoke', 'clinic-a')).toMatchObject({ state: 'invalidated' });
    expect(await told('revoke', 'clinic-a', 'valid')).toMatchObject({ state: 'valid' });
    await told('fields', '111', '222', 'messages,feed');
    expect(await told('show')).toMatchObject({ subscriptions: [{ appId: '111', pageId: '222', fields: ['messages', 'feed'] }] });
    await told('unsubscribe', '111', '222');
    expect(await told('show')).toMatchObject({ subscriptions: [] });
    await told('callback', '111', 'http://127.0.0.1:1/webhooks/messenger', 'messages');
    expect(await told('call', 'GET', '/_sim/config')).toEqual(await told('show', 'config'));
  });

  it('prints YAML for people', async () => {
    expect((await command(['simulator', 'show', '--simulator-url', url])).stdout).toContain('apps:\n');
  });

  it.each<[readonly string[], number, string]>([
    [['banana'], 2, 'is no verb'],
    [['aap', '1', 'x'], 2, 'did you mean app?'],
    [['app', '111'], 2, 'SECRET is missing\nusage: messenger-operator simulator app ID SECRET [NAME]'],
    [['show', 'me'], 2, 'show takes one of'],
    [['call', 'POST', 'apps', '{'], 2, 'the body is not valid JSON'],
    [['revoke', 'nobody'], 1, 'the simulator refuses: there is no such token'],
    [['call', 'GET', 'nowhere'], 1, 'the simulator refuses: no such call'],
  ])('says what is wrong with %p', async (args, code, words) => {
    expect(await verb(...args)).toMatchObject({ code, stderr: expect.stringContaining(words) });
  });

  it('says when no simulator runs', async () => {
    const { code, stderr } = await command(['simulator', 'show', '--simulator-url', 'http://127.0.0.1:1']);
    expect([code, stderr]).toEqual([
      1,
      'messenger-operator: no simulator answers at http://127.0.0.1:1; is it running? (--simulator-url)\n',
    ]);
  });

  it('says when its port is taken', async () => {
    const { port } = new URL(url);
    expect(await command(['simulator', '--port', port])).toMatchObject({ code: 1, stderr: expect.stringContaining('EADDRINUSE') });
  });
});
