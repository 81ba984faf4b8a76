import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startSimulator, type RunningSimulator } from '../../src/simulator/simulator.js';
import type { TokenSpec } from '../../src/simulator/control.js';
import { eventually } from '../support/eventually.js';
import { messengerApp, messengerPage, secret, service, type Manifest } from '../support/page-manifests.js';
import { Standalone } from '../support/standalone.js';
import { command } from '../unit/cli/io.js';

const NAMESPACE = 'bots';
const APP_ID = '1517776481860111';
const OTHER_APP_ID = '1517776481860222';
const SECRET = randomBytes(16).toString('hex');
const TOMORROW = Math.floor(Date.now() / 1_000) + 20 * 3_600;

interface Case {
  readonly name: string;
  readonly pageId: string;
  readonly token: Partial<TokenSpec>;
  readonly ready: 'True' | 'False';
  readonly reason: string;
  /** What the message has to say: what is wrong, and what to do. */
  readonly says: readonly RegExp[];
  /** Changes the token's value on its way into the Secret. */
  readonly spoil?: (value: string) => string;
}

const bad = { ready: 'False' } as const;
const CASES: readonly Case[] = [
  {
    ...bad,
    ...{ name: 'revoked', pageId: '104500000000001', token: { state: 'uninstalled' }, reason: 'TokenInvalidated' },
    says: [/has removed the app/, /create a new Page access token and store it in the Secret/],
  },
  {
    ...bad,
    ...{ name: 'password', pageId: '104500000000002', token: { state: 'password_changed' }, reason: 'TokenInvalidated' },
    says: [/has changed the password/, /create a new Page access token/],
  },
  {
    ...bad,
    ...{ name: 'ungranted', pageId: '104500000000003', reason: 'PageNotGranted' },
    token: { granularTargets: { pages_messaging: ['104500000000099'] } },
    says: [/104500000000003 is not among those granted for pages_messaging/, /add it in the app's settings/],
  },
  {
    ...bad,
    ...{ name: 'wrong-page', pageId: '104500000000004', token: { pageId: '104500000000099' }, reason: 'TokenWrongPage' },
    says: [/the token is that of the Page 104500000000099, not of 104500000000004/, /store the token of 104500000000004 in the Secret/],
  },
  {
    ...bad,
    ...{ name: 'user-token', pageId: '104500000000005', token: { type: 'USER' }, reason: 'TokenWrongType' },
    says: [/of type USER, but a Page access token is required/, /create a new Page access token/],
  },
  {
    ...bad,
    ...{ name: 'other-app', pageId: '104500000000006', token: { appId: OTHER_APP_ID }, reason: 'TokenWrongApp' },
    says: [/made with another app/, /create a Page access token with this app/],
  },
  {
    ...bad,
    ...{ name: 'scope', pageId: '104500000000007', token: { scopes: ['pages_manage_metadata'] }, reason: 'TokenMissingScopes' },
    says: [/lacks pages_messaging/, /grant them with the Page/],
  },
  {
    ...{ name: 'tomorrow', pageId: '104500000000008', token: { expiresAt: TOMORROW }, ready: 'True', reason: 'Succeeded' },
    says: [/expires on \d{4}-\d\d-\d\d, within a day/, /create it from a long-lived one/],
  },
  {
    ...bad,
    ...{ name: 'blank', pageId: '104500000000009', token: {}, reason: 'TokenMalformed', spoil: (value: string) => `${value} ` },
    says: [/Secret bots\/blank, key "token", has a blank or an unprintable character at position/, /store the bare value/],
  },
  {
    ...bad,
    ...{ name: 'profile-url', pageId: '100064000000010', token: { pageId: '104500000000010' }, reason: 'TokenWrongPage' },
    says: [/looks like the number in a profile's address/, /recreate the object with pageId "104500000000010"/],
  },
];

let sim: RunningSimulator;
let operator: Standalone;

beforeAll(async () => {
  sim = await startSimulator();
  const { control } = sim;
  control.makeApp({ id: APP_ID, secret: SECRET, name: 'Main', requireProof: true });
  control.makeApp({ id: OTHER_APP_ID, secret: 'another-secret', name: 'Other' });
  const fields = ['messages', 'messaging_postbacks', 'messaging_optins', 'messaging_referrals', 'messaging_policy_enforcement'];
  control.setAppSubscription(APP_ID, 'page', { callbackUrl: 'https://bots.example.com/webhooks/messenger', fields });
  const main = { name: 'main', namespace: NAMESPACE };
  const manifests = [
    service({ name: 'bot', namespace: NAMESPACE }),
    secret(main, { appSecret: SECRET, verifyToken: 'verify-me' }),
    messengerApp(main, { appId: APP_ID }),
    ...CASES.flatMap((one) => manifestsOf(one)),
  ];
  operator = await Standalone.start({ sim, services: { [`${NAMESPACE}/bot:5000`]: 9 }, manifests });
}, 120_000);

afterAll(async () => {
  await operator.stop();
  await sim.stop();
}, 30_000);

function manifestsOf({ name, pageId, token, spoil = (value) => value }: Case): readonly Manifest[] {
  const { control } = sim;
  for (const id of [pageId, token.pageId]) {
    if (id !== undefined && !control.state().pages.some((page) => page.id === id)) control.makePage({ id });
  }
  const value = control.makeToken({ appId: APP_ID, ...(token.type === 'USER' ? {} : { pageId }), alias: name, ...token });
  const place = { name, namespace: NAMESPACE };
  const page = messengerPage(place, { pageId, appRef: { name: 'main' }, backend: { service: { name: 'bot', port: 5000 } } });
  return [secret(place, { token: spoil(value) }), page];
}

interface Shown {
  readonly metadata: { readonly name: string };
  readonly status?: {
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly reason: string; readonly message: string }[];
  };
}

async function get(output: string): Promise<string> {
  const { code, stdout, stderr } = await command(['get', 'pages', '--state-dir', operator.stateFolder, '-n', NAMESPACE, '-o', output]);
  if (code !== 0) throw new Error(stderr);
  return stdout;
}

async function shown(): Promise<ReadonlyMap<string, Shown>> {
  return eventually(async () => {
    const { items } = JSON.parse(await get('json')) as { readonly items: readonly Shown[] };
    const judged = items.filter(({ status }) => status?.conditions?.some(({ type }) => type === 'TokenValid'));
    return judged.length === CASES.length ? new Map(items.map((item) => [item.metadata.name, item])) : undefined;
  }, 30_000);
}

const conditionOf = (page: Shown | undefined, type: string) => page?.status?.conditions?.find((one) => one.type === type);

describe('ten pages with ten things wrong about their tokens', () => {
  it.each(CASES.map((one) => [one.name, one] as const))('%s: says what is wrong, and what to do', async (name, { ready, reason, says }) => {
    const page = (await shown()).get(name);
    const token = conditionOf(page, 'TokenValid');
    expect(token).toMatchObject({ status: ready, reason });
    for (const words of says) expect(token?.message).toMatch(words);
    const summary = conditionOf(page, 'Ready');
    expect(summary?.status).toBe(ready);
    if (ready === 'False') expect(summary).toMatchObject({ reason, message: token?.message });
  });

  it('are told apart by their messages', async () => {
    const pages = await shown();
    const messages = CASES.map(({ name }) => conditionOf(pages.get(name), 'TokenValid')?.message ?? '');
    // Without ids and names, which differ anyhow.
    const bare = messages.map((message) => message.replaceAll(/\d{8,}/g, 'N'));
    expect(new Set(bare).size).toBe(CASES.length);
    for (const message of messages) expect(message).not.toMatch(/EAA|undefined|\[object/);
  });

  it('show their reason in the table, the one that ends tomorrow its day, and in the wide one their last Event', async () => {
    await shown();
    const lines = (await get('wide')).split('\n');
    process.stderr.write(lines.map((line) => `    ${line}\n`).join(''));
    for (const { name, ready, reason } of CASES) {
      const line = lines.find((text) => text.startsWith(`${name} `));
      expect(line).toContain(ready);
      if (ready === 'False') expect(line).toContain(reason);
      const last = ready === 'False' ? reason : '(?:TokenExpiring|Subscribed)';
      // No webhook was asked for its last event and failure.
      expect(line).toMatch(new RegExp(` ${last} \\d+s ago +<none> +<none>$`));
    }
    expect(lines.find((text) => text.startsWith('tomorrow '))).toContain(new Date(TOMORROW * 1_000).toISOString().slice(0, 10));
  });

  it('shows no token anywhere', async () => {
    const state = `${await operator.state()}${await operator.output()}`;
    expect(state).not.toMatch(/EAA[A-Za-z0-9]{20}/);
    expect(state).not.toContain(SECRET);
  });
});
