import { request } from 'node:http';
import type { MessengerAppSpec, MessengerPageSpec } from '../../src/api/v1alpha1/types.gen.js';
import type { FaultEffect, FaultSpec } from '../../src/simulator/faults.js';
import type { RunningSimulator } from '../../src/simulator/simulator.js';
import type { BotAnswer, BotRequest, RecordingBot } from './bot-server.js';
import { eventually } from './eventually.js';
import { newCanary, type Canary, type Specimen } from './leak-search.js';
import { messengerApp, messengerPage, secret, type Manifest } from './page-manifests.js';
import { FIELDS, NAMESPACE } from './page-world.js';

export const APP_ID = '1517776481860199';
export const PAGE_ID = '104500000000099';
const BOT_SERVICE = { name: 'clinic-bot', port: 5000, path: '/bot' };

/** One value per kind of secret. */
export function newCanaries() {
  return {
    pageToken: newCanary('page token'),
    nextPageToken: newCanary('page token after rotation'),
    appSecret: newCanary('app secret'),
    previousAppSecret: newCanary('previous app secret'),
    verifyToken: newCanary('verify token'),
    signingSecret: newCanary('signing secret'),
    malformed: newCanary('malformed token'),
    malformedAppSecret: newCanary('malformed app secret'),
    guess: newCanary('credential of a stranger'),
  };
}

export type Canaries = ReturnType<typeof newCanaries>;

export const app = { name: 'canary', namespace: NAMESPACE };
export const page = { name: 'canary-page', namespace: NAMESPACE, labels: { bot: 'canary' } };

/**
 * Graph refuses the app's own credential. After this it is asked once a minute only, so this comes
 * last.
 */
export function lastFailure(canaries: Canaries): FaultSpec {
  const message = valuesInUse(canaries).join(' ');
  return { operation: 'subscriptions', appId: APP_ID, times: 1, effect: { kind: 'error', code: 190, message } };
}

/** A change that makes the operator look at the app now; another one each turn. */
export function appChange(turn: number): Partial<MessengerAppSpec> {
  return { pageDefaults: { deletionPolicy: turn % 2 === 0 ? 'Unsubscribe' : 'Retain' } };
}

/** The same for the page. */
export function pageChange(turn: number): Partial<MessengerPageSpec> {
  return { botConfig: { inline: { turn } } };
}

/**
 * An app and a page with all kinds of secrets, and both once more with values that make no sense.
 */
export function canaryManifests(canaries: Canaries, turn = 0): readonly Manifest[] {
  const { appSecret, previousAppSecret, verifyToken, signingSecret, malformed, malformedAppSecret } = canaries;
  const values = { appSecret: appSecret.value, previousAppSecret: previousAppSecret.value, verifyToken: verifyToken.value };
  const backend = { service: BOT_SERVICE };
  return [
    secret(app, values),
    messengerApp(app, { appId: APP_ID, previousAppSecretRef: { name: app.name }, ...appChange(turn) }),
    secret({ ...app, name: 'signing' }, { appSecret: signingSecret.value }),
    secret(
      { ...app, name: 'malformed' },
      { token: `${malformed.value} and more`, appSecret: `${malformedAppSecret.value}\nx`, verifyToken: 'verify-me' },
    ),
    messengerApp({ ...app, name: 'malformed' }, { appId: '1517776481860198' }),
    messengerPage({ ...app, name: 'malformed' }, { pageId: '104500000000098', appRef: { name: app.name }, backend }),
    tokenManifest(canaries.pageToken),
    pageManifest(pageChange(turn)),
  ];
}

export function tokenManifest({ value }: Canary): Manifest {
  return secret({ ...app, name: 'canary-token' }, { token: value });
}

function pageManifest(spec: Partial<MessengerPageSpec>): Manifest {
  const backend = { service: BOT_SERVICE, signingSecretRef: { name: 'signing', key: 'appSecret' } };
  const ref = { accessTokenSecretRef: { name: 'canary-token' }, appRef: { name: app.name } };
  return messengerPage(page, { pageId: PAGE_ID, ...ref, backend, ...spec });
}

/** Facebook's side of it. */
export function makeAtFacebook({ control }: RunningSimulator, canaries: Canaries, callbackUrl: string): void {
  control.makeApp({ id: APP_ID, secret: canaries.appSecret.value, requireProof: true });
  control.makeApp({ id: '1517776481860198', secret: 'another' });
  control.setAppSubscription(APP_ID, 'page', { callbackUrl, fields: FIELDS });
  control.makePage({ id: PAGE_ID, name: 'Canary' });
  control.makePage({ id: '104500000000098', name: 'Malformed' });
  control.makeToken({ alias: 'canary', appId: APP_ID, pageId: PAGE_ID, value: canaries.pageToken.value });
  control.makeToken({ alias: 'canary-next', appId: APP_ID, pageId: PAGE_ID, value: canaries.nextPageToken.value });
}

/** What the operator has in use, and so could be in Graph's texts. */
function valuesInUse({ pageToken, appSecret, previousAppSecret, verifyToken, signingSecret }: Canaries): readonly string[] {
  return [pageToken, appSecret, previousAppSecret, verifyToken, signingSecret].map(({ value }) => value);
}

/**
 * Everything that Graph can do wrong on the page's own edges, with every secret in use in its
 * texts.
 */
export function graphFailures(canaries: Canaries): readonly FaultSpec[] {
  const values = valuesInUse(canaries);
  const text = [...values, ...values.map(encodeURIComponent), ...values.map((value) => Buffer.from(value).toString('base64'))].join(' ');
  const effects: readonly FaultEffect[] = [
    { kind: 'echo' },
    { kind: 'error', code: 1, message: `An unknown error for ${text}` },
    { kind: 'error', code: 100, message: `(#100) Invalid parameter ${values.join(' ')}` },
    { kind: 'error', code: 999_999, message: `Unheard of ${values.join(' ')}` },
    { kind: 'error', code: 10, message: `(#10) Not permitted to ${values.join(' ')}` },
    { kind: 'http', status: 502, body: `<html>${text}</html>` },
    { kind: 'http', status: 200, body: `{"data": [${text}` },
    {
      kind: 'http',
      status: 200,
      body: JSON.stringify({ name: values.join(' '), data: values.map((id) => ({ id, name: id, subscribed_fields: [id] })) }),
    },
    { kind: 'drop' },
    { kind: 'truncate' },
    { kind: 'huge', bytes: 6_000_000 },
    { kind: 'hang' },
    { kind: 'error', code: 190, subcode: 460, message: `Error validating access token ${values.join(' ')}` },
    { kind: 'throttle', code: 32, regainMinutes: 0 },
  ];
  return effects.map((effect) => ({ pageId: PAGE_ID, times: 1, effect }));
}

/** What Graph can do wrong where the app asks it: about a token, and about its own webhook. */
export function appFailures(canaries: Canaries): readonly FaultSpec[] {
  const values = valuesInUse(canaries);
  const [first] = values;
  const text = values.join(' ');
  const inspected = {
    is_valid: true,
    type: first,
    app_id: APP_ID,
    profile_id: PAGE_ID,
    scopes: values,
    error: { code: 190, message: text },
  };
  const row = { object: 'page', callback_url: text, active: true, fields: [{ name: first, version: 'v25.0' }] };
  const effects: readonly FaultEffect[] = [
    { kind: 'echo' },
    { kind: 'error', code: 1, message: text },
    { kind: 'http', status: 500, body: text },
    { kind: 'http', status: 200, body: `{"data": "${text}` },
  ];
  const odd = (data: unknown): FaultEffect => ({ kind: 'http', status: 200, body: JSON.stringify({ data }) });
  const of = (operation: string, all: readonly FaultEffect[]): readonly FaultSpec[] =>
    all.map((effect) => ({ operation, appId: APP_ID, times: 1, effect }));
  return [...of('debug_token', [...effects, odd(inspected)]), ...of('subscriptions', [...effects, odd([row])])];
}

/** Answers of a bot that repeats all it received, and its secret. */
export function rudeAnswers({ signingSecret }: Canaries): readonly ((seen: BotRequest) => BotAnswer)[] {
  const echo = ({ body, headers }: BotRequest): string => `${signingSecret.value} ${JSON.stringify(headers)} ${body}`;
  return [400, 404, 413, 500, 503, 302].map((status) => (seen) => ({ status, body: echo(seen) }));
}

/**
 * Switches one failure on after the other, each until the operator has met it. @returns how many
 */
export async function meetEach(
  sim: RunningSimulator,
  faults: readonly FaultSpec[],
  provoke: (turn: number) => Promise<void>,
): Promise<number> {
  for (const [turn, fault] of faults.entries()) {
    const { id } = sim.control.addFault(fault);
    await provoke(turn);
    await eventually(
      () => !sim.control.state().faults.some((one) => one.id === id),
      60_000,
      `meeting ${fault.effect.kind} at ${fault.operation ?? 'the page'}`,
    );
  }
  return faults.length;
}

/** Lets the bot be rude to one message after the other. */
export async function beRude(sim: RunningSimulator, bot: RecordingBot, canaries: Canaries): Promise<void> {
  const answers = rudeAnswers(canaries);
  for (const [turn, answer] of answers.entries()) {
    bot.answer = answer;
    const before = bot.received.length;
    await sim.control.sendEvents(APP_ID, [{ pageId: PAGE_ID, mid: `m_rude_${turn}`, user: `user-${turn}` }], { force: true, retry: false });
    await eventually(() => bot.received.length > before);
  }
  bot.answer = () => ({ status: 200 });
}

/**
 * What strangers try at the webhook and at the Pages API, secrets in hand or not; the answers as
 * specimens.
 */
export async function knock(
  webhookUrl: string,
  pagesApiUrl: string,
  { verifyToken, appSecret, guess }: Canaries,
): Promise<readonly Specimen[]> {
  const verify = (mode: string, token: string): string =>
    `${webhookUrl}?${new URLSearchParams({ 'hub.mode': mode, 'hub.verify_token': token, 'hub.challenge': '1234' }).toString()}`;
  const post = (signature: string, body: string): Request =>
    new Request(webhookUrl, { method: 'POST', headers: { 'content-type': 'application/json', 'x-hub-signature-256': signature }, body });
  const body = JSON.stringify({ object: 'page', entry: [{ id: PAGE_ID, messaging: [] }], secret: guess.value });
  const bearer = { authorization: `Bearer ${guess.value}` };
  const asked = [
    new Request(verify('subscribe', verifyToken.value)),
    new Request(verify('unsubscribe', verifyToken.value)),
    new Request(verify('subscribe', guess.value)),
    new Request(`${webhookUrl}/${encodeURIComponent(guess.value)}`),
    post(`sha256=${'0'.repeat(64)}`, body),
    post(`sha256=${encodeURIComponent(appSecret.value)}`, body),
    post('', '{'),
    new Request(`${pagesApiUrl}/v1/pages/${PAGE_ID}/token?access_token=${encodeURIComponent(guess.value)}`, { headers: bearer }),
    new Request(`${pagesApiUrl}/v1/pages?labelSelector=${encodeURIComponent(guess.value)}`, { headers: bearer }),
    new Request(`${pagesApiUrl}/${encodeURIComponent(guess.value)}`, { headers: bearer }),
  ];
  const answers = await Promise.all(asked.map((one, index) => answerTo(one, `answer ${index}`)));
  return [...answers, { from: 'broken request', text: await brokenRequest(new URL(webhookUrl), guess.value) }];
}

/** Status, headers and body of an answer, as a specimen. */
export async function answerTo(asked: Request, from: string): Promise<Specimen> {
  const response = await fetch(asked);
  return { from, text: `${response.status} ${JSON.stringify([...response.headers])} ${await response.text()}` };
}

/** Says that more will come, and goes away. */
function brokenRequest({ port, pathname }: URL, value: string): Promise<string> {
  return new Promise((resolve) => {
    const headers = { 'content-length': '1000', 'x-hub-signature-256': `sha256=${'0'.repeat(64)}` };
    const sent = request({ port, path: pathname, host: '127.0.0.1', method: 'POST', headers });
    sent.once('error', (error) => {
      resolve(error.message);
    });
    sent.once('response', (response) => {
      resolve(`${response.statusCode ?? 0} ${JSON.stringify(response.headers)}`);
      response.resume();
    });
    sent.write(value, () => setTimeout(() => sent.destroy(new Error('gone')), 50));
  });
}
