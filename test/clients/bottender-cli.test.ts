import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startSimulator, type RunningSimulator } from '../../src/simulator/simulator.js';
import { startReceiver, type Receiver } from '../unit/simulator/receiver.js';

const APP_ID = '1517776481860111';
const APP_SECRET = 'an-app-secret-0123456789';
const PAGE_ID = '12345678901234567890';
const PROFILE = {
  getStarted: { payload: 'GO' },
  greeting: [{ locale: 'default', text: 'Hello!' }],
  persistentMenu: [
    { locale: 'default', composerInputDisabled: false, callToActions: [{ type: 'postback', title: 'Help', payload: 'HELP' }] },
  ],
  whitelistedDomains: ['https://clinic.example'],
};

const run = promisify(execFile);
let sim: RunningSimulator;
let receiver: Receiver;
let folder: string;

beforeAll(async () => {
  await run(process.execPath, ['scripts/install-bottender.mjs'], { timeout: 280_000 });
  sim = await startSimulator();
  receiver = await startReceiver();
  sim.control.makeApp({ id: APP_ID, secret: APP_SECRET, name: 'Main' });
  sim.control.makePage({ id: PAGE_ID, name: 'Clinic A' });
  // Its debugToken sends the page token's proof with the app token: the switch for lax checking exists for this.
  sim.control.config({ proof: 'lax' });
  const accessToken = sim.control.makeToken({ appId: APP_ID, pageId: PAGE_ID, alias: 'clinic-a' });
  folder = await mkdtemp(join(tmpdir(), 'bottender-'));
  const channel = {
    enabled: true,
    pageId: PAGE_ID,
    accessToken,
    appId: APP_ID,
    appSecret: APP_SECRET,
    verifyToken: 'verify me',
    profile: PROFILE,
  };
  await writeFile(join(folder, 'bottender.config.js'), `module.exports = ${JSON.stringify({ channels: { messenger: channel } })};`);
}, 300_000);

afterAll(async () => {
  await sim.stop();
  await receiver.close();
  await rm(folder, { recursive: true, force: true });
});

/** @throws with all that it printed, for a code other than 0 */
async function bottender(words: string): Promise<string> {
  const settings = JSON.stringify({ modules: resolve('examples/bottender/node_modules'), origin: sim.url });
  const script = resolve('test/clients/bottender-cli.cjs');
  const { stdout } = await run(process.execPath, ['--no-deprecation', script, settings, ...words.split(' ')], {
    cwd: folder,
    timeout: 60_000,
  });
  return stdout;
}

describe("Bottender's command line as published", () => {
  it('webhook set: inspects the token, subscribes the app through a real verification, and the page', async () => {
    const told = await bottender(`messenger webhook set -w ${receiver.url}`);

    expect(told).toContain('Successfully set Messenger webhook callback URL');
    expect(told).toContain(PAGE_ID);
    expect(told).toMatch(/Token Expires At.*Never/);
    const { appSubscriptions, subscriptions } = sim.control.state();
    expect(appSubscriptions).toMatchObject([{ appId: APP_ID, object: 'page', callbackUrl: receiver.url, active: true }]);
    const [row] = subscriptions;
    expect(row).toMatchObject({ appId: APP_ID, pageId: PAGE_ID });
    expect([...(row?.fields ?? [])].sort()).toEqual(
      [
        'messages',
        'messaging_handovers',
        'messaging_optins',
        'messaging_policy_enforcement',
        'messaging_postbacks',
        'messaging_referrals',
      ].sort(),
    );
  }, 60_000);

  it('profile set, get, set again without a change, and delete', async () => {
    expect(await bottender('messenger profile set --force')).toContain('Successfully set messenger_profile settings');
    expect(await bottender('messenger profile get')).toContain('"payload": "GO"');
    // What Graph gives back, a slash behind each domain included, is what Bottender takes for no change.
    expect(await bottender('messenger profile set')).toContain('No change apply');
    expect(await bottender('messenger profile delete')).toContain('Successfully delete messenger_profile settings');
    await expect(bottender('messenger profile get')).resolves.not.toContain('"payload": "GO"');
  }, 120_000);

  it('says in its own words what Graph refuses', async () => {
    sim.control.setTokenState('clinic-a', 'expired');
    await expect(bottender(`messenger webhook set -w ${receiver.url}`)).rejects.toMatchObject({ code: 1 });
    sim.control.setTokenState('clinic-a', 'valid');
  }, 60_000);
});
