import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { psid } from '../../src/simulator/messaging.js';
import { startSimulator, type RunningSimulator } from '../../src/simulator/simulator.js';
import { startReceiver, type Receiver } from '../unit/simulator/receiver.js';

const FOLDER = 'test/clients';
const APP_ID = '1517776481860111';
const APP_SECRET = 'an-app-secret-0123456789';
const PAGE_ID = '12345678901234567890';

type Results = Readonly<Record<string, { readonly value?: unknown; readonly error?: string }>>;

const run = promisify(execFile);
let sim: RunningSimulator;
let receiver: Receiver;
let token: string;

beforeAll(async () => {
  // Installed once, exactly as locked, without running anything of theirs.
  await run(process.execPath, ['scripts/install-clients.mjs'], { timeout: 240_000 });
  sim = await startSimulator();
  receiver = await startReceiver();
  sim.control.makeApp({ id: APP_ID, secret: APP_SECRET, name: 'Main', requireProof: true });
  sim.control.makePage({ id: PAGE_ID, name: 'Clinic A' });
  token = sim.control.makeToken({ appId: APP_ID, pageId: PAGE_ID, alias: 'clinic-a' });
}, 250_000);

afterAll(async () => {
  await sim.stop();
  await receiver.close();
});

async function drive(script: string, input: Readonly<Record<string, string>>): Promise<Results> {
  const common = { origin: sim.url, appId: APP_ID, appSecret: APP_SECRET, token };
  const { stdout } = await run(process.execPath, [script, JSON.stringify({ ...common, ...input })], { cwd: FOLDER, timeout: 60_000 });
  return JSON.parse(stdout) as Results;
}

describe('messaging-api-messenger as published', () => {
  let results: Results;
  const user = psid(PAGE_ID, 'ann');

  beforeAll(async () => {
    // Its debugToken sends the page token's proof with the app token: the switch for lax checking exists for this.
    sim.control.config({ proof: 'lax' });
    sim.control.setFields(APP_ID, PAGE_ID, ['messages']);
    await sim.control.sendEvents(APP_ID, [{ pageId: PAGE_ID, user: 'ann' }], { url: receiver.url, force: true });
    results = await drive('messaging-api.cjs', { callbackUrl: receiver.url, psid: user });
  }, 90_000);

  it('reads the page and its token', () => {
    expect(results['page']).toEqual({ value: { id: PAGE_ID, name: 'Clinic A' } });
    expect(results['token']?.value).toMatchObject({ appId: APP_ID, type: 'PAGE', isValid: true, expiresAt: 0 });
  });

  it('subscribes the app through a real verification, and is told of a bad field', () => {
    expect(results['subscribe']).toEqual({ value: { success: true } });
    expect(results['subscription']?.value).toMatchObject({ object: 'page', callbackUrl: receiver.url, active: true });
    expect(results['badField']?.error).toContain('Messenger API - 100 OAuthException');
    expect(results['badField']?.error).toContain('Param fields[0] must be one of');
  });

  it('writes and reads the messenger profile', () => {
    expect(results['menuTooEarly']?.error).toContain('You must set a Get Started button');
    for (const step of ['setStarted', 'setGreeting', 'menu', 'deleteMenu']) expect(results[step]).toEqual({ value: { result: 'success' } });
    expect(results['profile']?.value).toEqual([
      {
        getStarted: { payload: 'GO' },
        greeting: [{ locale: 'default', text: 'Hello!' }],
        persistentMenu: [
          { locale: 'default', composerInputDisabled: false, callToActions: [{ type: 'postback', title: 'Help', payload: 'HELP' }] },
        ],
      },
    ]);
    expect(results['noMenu']).toEqual({ value: null });
  });

  it('makes, reads, pages through and deletes personas', () => {
    expect(results['persona']?.value).toMatchObject({ name: 'Ann', profilePictureUrl: 'https://p.example/ann.png' });
    expect((results['personas']?.value as { data: unknown[] }).data).toHaveLength(25);
    expect(results['allPersonas']?.value).toHaveLength(30);
    expect(results['deletePersona']).toEqual({ value: { success: true } });
  });

  it('sees the profile of who wrote to the page', () => {
    expect(results['user']?.value).toMatchObject({ id: user, firstName: 'ann' });
  });

  it('sends, alone and in a batch, each item with its answer', () => {
    expect(results['send']?.value).toMatchObject({ recipientId: user, messageId: expect.stringMatching(/^m_/) as unknown });
    expect(results['typing']?.value).toEqual({ recipientId: user });
    expect(results['batch']?.value).toMatchObject([
      { code: 200, body: { recipientId: user } },
      { code: 200, body: { recipientId: user } },
      { code: 400, body: { error: { code: 100 } } },
    ]);
    expect(sim.control.messages().map(({ text, pageId, token: name }) => [text, pageId, name])).toEqual([
      ['hello from a real client', PAGE_ID, 'clinic-a'],
      [undefined, PAGE_ID, 'clinic-a'],
      ['one', PAGE_ID, 'clinic-a'],
      ['two', PAGE_ID, 'clinic-a'],
    ]);
  });

  it('sent a good proof with every call but one kind', () => {
    sim.control.config({ proof: 'strict' });
    const calls = sim.control.calls().filter(({ shape }) => shape !== '/ (batch)');
    expect(calls.length).toBeGreaterThan(40);
    expect(calls.filter(({ proof }) => proof !== 'right')).toEqual([]);
  });
});

describe("Meta's business SDK as published", () => {
  let results: Results;

  beforeAll(async () => {
    sim.control.makeApp({ id: APP_ID, secret: APP_SECRET, name: 'Main' });
    for (let i = 0; i < 24; i++) sim.control.makePage({ id: String(5_000 + i), name: `Page ${i}` });
    const userToken = sim.control.makeToken({ appId: APP_ID, type: 'USER' });
    sim.control.setAppSubscription(APP_ID, 'page', { callbackUrl: receiver.url, fields: ['messages'] });
    sim.control.setFields(APP_ID, PAGE_ID, undefined);
    results = await drive('business-sdk.cjs', { pageId: PAGE_ID, userToken });
  }, 90_000);

  it('reads the page, and is told of a field that is none', () => {
    expect(results['page']?.value).toMatchObject({ id: PAGE_ID, name: 'Clinic A', category: 'Business' });
    expect(results['unknownField']?.error).toContain('Tried accessing nonexisting field (nope)');
  });

  it('subscribes and unsubscribes', () => {
    expect(results['subscribe']?.value).toMatchObject({ success: true });
    expect(results['badField']?.error).toContain('must be one of');
    expect(results['subscribed']?.value).toMatchObject([{ id: APP_ID, subscribed_fields: ['messages', 'feed'] }]);
    expect(results['unsubscribe']).not.toHaveProperty('error');
    expect(results['unsubscribed']?.value).toEqual([]);
  });

  it('sends a message and makes a persona', () => {
    expect(results['message']?.value).toMatchObject({ recipient_id: '987' });
    expect(results['persona']?.value).toHaveProperty('id');
    expect(sim.control.messages().at(-1)).toMatchObject({ text: 'from the SDK', pageId: PAGE_ID });
  });

  it('pages through the accounts by the links', () => {
    expect(results['accounts']?.value).toHaveLength(25);
  });

  it("reads the app's subscriptions", () => {
    expect(results['appSubscriptions']?.value).toMatchObject([{ object: 'page', fields: [{ name: 'messages' }] }]);
  });
});
