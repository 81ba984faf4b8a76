import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { startSimulator, type RunningSimulator, type SimulatorOptions } from '../../../src/simulator/simulator.js';
import { FakeClock } from '../../support/fake-clock.js';
import { eventually } from '../../support/eventually.js';
import { startReceiver, type Receiver } from './receiver.js';

const APP = '111';
const PAGE = '222';
const OTHER = '333';

let receiver: Receiver;
let sim: RunningSimulator;

async function start(options: SimulatorOptions = {}): Promise<void> {
  sim = await startSimulator(options);
  const { control } = sim;
  control.makeApp({ id: APP, secret: 's3cret' });
  for (const id of [PAGE, OTHER]) {
    control.makePage({ id });
    control.setFields(APP, id, ['messages', 'messaging_postbacks', 'standby', 'feed']);
  }
  control.setAppSubscription(APP, 'page', { callbackUrl: receiver.url, fields: ['messages', 'standby', 'message_reads', 'feed'] });
}

beforeEach(async () => {
  receiver = await startReceiver();
});

afterEach(async () => {
  await sim.stop();
  await receiver.close();
});

const message = (text: string, key = 'message') => ({
  sender: { id: '1' },
  recipient: { id: PAGE },
  timestamp: 1458692752478,
  [key]: { mid: 'm_1', text },
});

describe('WebhookSender', () => {
  it("sends Meta's escaped form and signs exactly these bytes", async () => {
    await start();
    const text = 'äöå 😢 <b> 100% a@b https://x.example/y';

    await sim.control.send({ appId: APP, entries: [{ id: PAGE, time: 1458692752478, messaging: [message(text)] }] });

    const [post] = receiver.received;
    // Body written by hand from Meta's rules; both digests were computed by another program
    // (Python's hmac).
    const wanted =
      '{"object":"page","entry":[{"id":"222","time":1458692752478,"messaging":[{"sender":{"id":"1"},"recipient":{"id":"222"},"timestamp":1458692752478,' +
      '"message":{"mid":"m_1","text":"\\u00e4\\u00f6\\u00e5 \\ud83d\\ude22 \\u003Cb> 100\\u0025 a\\u0040b https:\\/\\/x.example\\/y"}}]}]}';
    expect(post?.body.toString('latin1')).toBe(wanted);
    expect(post?.headers).toMatchObject({
      'x-hub-signature-256': 'sha256=9b96a0852568163ed06e0106a2f01131ceefbe7a34f12812bf97b34e41508cec',
      'x-hub-signature': 'sha1=c86857a3ebea802bca215549470cffd71dd2d0bc',
      'content-type': 'application/json',
      'user-agent': 'facebookexternalua',
    });
    expect(JSON.parse(wanted)).toMatchObject({ entry: [{ messaging: [{ message: { text } }] }] });
  });

  it('leaves sha1 away where it is told to', async () => {
    await start();
    sim.control.config({ signatures: 'sha256' });
    await sim.control.sendEvents(APP, [{ pageId: PAGE, text: 'hi' }]);
    expect(receiver.received[0]?.headers['x-hub-signature-256']).toMatch(/^sha256=[0-9a-f]{64}$/);
    expect(receiver.received[0]?.headers).not.toHaveProperty('x-hub-signature');
  });

  it('delivers only what is subscribed at both levels', async () => {
    await start();
    const entry = {
      id: PAGE,
      time: 1,
      messaging: [message('yes'), message('not at the app', 'postback'), message('not at the page', 'read')],
      standby: [message('standby')],
      changes: [{ field: 'feed', value: {} }, { field: 'name' }],
    };

    const { left } = await sim.control.send({ appId: APP, entries: [entry, { id: OTHER, time: 1, messaging: [message('no', 'read')] }] });

    expect(JSON.parse(String(receiver.received[0]?.body))).toEqual({
      object: 'page',
      entry: [{ id: PAGE, time: 1, messaging: [message('yes')], standby: [message('standby')], changes: [{ field: 'feed', value: {} }] }],
    });
    expect(left).toEqual([
      { pageId: PAGE, field: 'messaging_postbacks' },
      { pageId: PAGE, field: 'message_reads' },
      { pageId: PAGE, field: 'name' },
      { pageId: OTHER, field: 'message_reads' },
    ]);
  });

  it('sends nothing to nobody, and everything with force', async () => {
    await start();
    sim.control.setFields(APP, PAGE, undefined);
    expect((await sim.control.sendEvents(APP, [{ pageId: PAGE }])).delivery).toBeUndefined();
    expect(receiver.received).toHaveLength(0);
    expect((await sim.control.sendEvents(APP, [{ pageId: PAGE }, { pageId: '999' }], { force: true })).delivery?.pageIds).toEqual([
      PAGE,
      '999',
    ]);
    expect(receiver.received).toHaveLength(1);
  });

  it('puts events of several pages into one POST, with another sender id for the same person on each page', async () => {
    await start();
    await sim.control.sendEvents(APP, [
      { pageId: PAGE, user: 'ann', text: 'one' },
      { pageId: OTHER, user: 'ann', text: 'two' },
      { pageId: PAGE, user: 'ann', text: 'three' },
    ]);
    const body = JSON.parse(String(receiver.received[0]?.body)) as { entry: { id: string; messaging: { sender: { id: string } }[] }[] };
    expect(body.entry.map(({ id }) => id)).toEqual([PAGE, OTHER, PAGE]);
    const senders = body.entry.map(({ messaging }) => messaging[0]?.sender.id);
    expect(senders[0]).toBe(senders[2]);
    expect(senders[0]).not.toBe(senders[1]);
    expect(senders[0]).toMatch(/^\d{17}$/);
  });

  it.each(['wrong', 'reserialized', 'none'] as const)('can sign badly: %s', async (sign) => {
    await start();
    sim.control.config({ retryDelaysMs: [] });
    const request = { appId: APP, entries: [{ id: PAGE, messaging: [message('ä/')] }] };
    await sim.control.send(request);
    await sim.control.send({ ...request, sign });
    const [right, wrong] = receiver.received;
    expect(wrong?.body).toEqual(right?.body);
    expect(wrong?.headers['x-hub-signature-256']).not.toBe(right?.headers['x-hub-signature-256']);
  });

  it('sends raw bytes as they are', async () => {
    await start();
    const rawBody = '{"object":"page","entry":[{"id":12345678901234567890,"messaging":[]}]}';
    await sim.control.send({ appId: APP, rawBody, headers: { 'x-extra': '1', accept: null } });
    expect(String(receiver.received[0]?.body)).toBe(rawBody);
    expect(receiver.received[0]?.headers).toMatchObject({ 'x-extra': '1' });
    expect(receiver.received[0]?.headers).not.toHaveProperty('accept');
  });

  it('says what is missing', async () => {
    await start();
    await expect(sim.control.sendEvents('999', [{ pageId: PAGE }])).rejects.toThrow('there is no app 999');
    sim.control.setAppSubscription(APP, 'page', { callbackUrl: receiver.url, fields: ['messages'], active: false });
    await expect(sim.control.sendEvents(APP, [{ pageId: PAGE }])).rejects.toThrow('no active subscription');
  });
});

describe('retries', () => {
  it('tries again until it is answered 200, the same event with a new time in its entry each time', async () => {
    const clock = new FakeClock();
    await start({ clock });
    receiver.answer = 503;
    const { delivery } = await sim.control.sendEvents(APP, [{ pageId: PAGE, text: 'again' }]);
    expect(delivery).toMatchObject({ state: 'pending', attempts: [{ status: 503 }] });

    await clock.advance(1_000);
    await eventually(() => receiver.received.length === 2);
    receiver.answer = 200;
    await eventually(() => delivery?.attempts.length === 2);
    await clock.advance(2_000);
    await eventually(() => delivery?.state === 'delivered');

    const sent = receiver.received.map(({ body }) => JSON.parse(body.toString()) as { entry: { time: number; messaging: unknown }[] });
    expect(sent.map(({ entry }) => entry[0]?.time)).toEqual([0, 1_000, 3_000].map((ms) => (sent[0]?.entry[0]?.time ?? 0) + ms));
    expect(new Set(sent.map(({ entry }) => JSON.stringify(entry[0]?.messaging))).size).toBe(1);
    expect(delivery?.attempts.map(({ status }) => status)).toEqual([503, 503, 200]);
    await clock.advance(3_600_000);
    expect(receiver.received).toHaveLength(3);
  });

  it.each([
    ['where the configuration says so', { repeatsMoveTime: false }, undefined],
    ['of a body that the caller wrote', {}, '{"object":"page","entry":[{"id":"222","time":5}]}'],
  ])('repeats the same bytes %s', async (_name, config, rawBody) => {
    const clock = new FakeClock();
    await start({ clock });
    sim.control.config(config);
    receiver.answer = 503;
    if (rawBody === undefined) await sim.control.sendEvents(APP, [{ pageId: PAGE, text: 'again' }]);
    else await sim.control.send({ appId: APP, rawBody });
    await clock.advance(1_000);
    await eventually(() => receiver.received.length === 2);

    expect(new Set(receiver.received.map(({ body }) => body.toString())).size).toBe(1);
  });

  it('takes anything but 200, a hanging and a dead receiver for a failure', async () => {
    const clock = new FakeClock();
    await start({ clock });
    sim.control.config({ retryDelaysMs: [] });
    receiver.answer = 'hang';
    const hanging = sim.control.sendEvents(APP, [{ pageId: PAGE }]);
    await eventually(() => receiver.received.length === 1);
    await clock.advance(5_000);
    const { delivery } = await hanging;
    expect(delivery).toMatchObject({ attempts: [{ status: undefined, error: 'timeout', ms: 5_000 }] });
    await eventually(() => delivery?.state === 'failed');

    receiver.answer = 204;
    const odd = await sim.control.sendEvents(APP, [{ pageId: PAGE }]);
    expect(odd.delivery?.attempts[0]).toMatchObject({ status: 204 });
    await eventually(() => odd.delivery?.state === 'failed');

    const dead = await sim.control.sendEvents(APP, [{ pageId: PAGE }], { url: 'http://127.0.0.1:9/' });
    expect(dead.delivery?.attempts[0]).toMatchObject({ status: undefined, error: 'ECONNREFUSED' });
  });

  it('takes the app off the page of a notification that fails for an hour, and off no other', async () => {
    const clock = new FakeClock();
    await start({ clock });
    receiver.answer = 500;
    sim.control.config({ retryDelaysMs: [600_000] });
    const { delivery } = await sim.control.sendEvents(APP, [{ pageId: PAGE }]);

    for (let attempts = 2; attempts <= 7; attempts++) {
      expect(sim.control.fields(APP, PAGE)).toBeDefined();
      await clock.advance(600_000);
      await eventually(() => delivery?.attempts.length === attempts);
    }

    await eventually(() => delivery?.state === 'removed');
    expect(sim.control.fields(APP, PAGE)).toBeUndefined();
    expect(sim.control.fields(APP, OTHER)).toBeDefined();
  });
});
