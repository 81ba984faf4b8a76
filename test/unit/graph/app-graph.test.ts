import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { TerminalError } from '../../../src/core/domain/errors.js';
import { Secret } from '../../../src/core/secrets/secret.js';
import { startReceiver, type Receiver } from '../simulator/receiver.js';
import { APP_ID, FIVE_FIELDS, graphWorld, rejection, type GraphWorld } from './world.js';

let world: GraphWorld;
let receiver: Receiver;
let versions: string[][];

beforeEach(async () => {
  receiver = await startReceiver();
  versions = [];
  const observer = {
    call: () => undefined,
    request: () => undefined,
    otherVersion: (...told: string[]) => versions.push(told),
  };
  world = await graphWorld({ observer });
});

afterEach(async () => {
  await world.close();
  await receiver.close();
});

const verifyToken = new Secret('verify-token', 'v%&= ü');
const subscribe = (fields: readonly string[]) =>
  world.graph.subscribeApp(world.app, { callbackUrl: receiver.url, verifyToken, fields }, world.options);

describe("the app's edges against the simulator", () => {
  it('subscribes the app, through the verification of the callback, and reads it back', async () => {
    expect(await world.graph.subscriptions(world.app, world.options)).toEqual([]);
    await subscribe(FIVE_FIELDS);
    expect(new URL(receiver.received[0]?.url ?? '', 'http://x').searchParams.get('hub.verify_token')).toBe('v%&= ü');
    expect(await world.graph.subscriptions(world.app, world.options)).toEqual([
      { object: 'page', callbackUrl: receiver.url, active: true, fields: FIVE_FIELDS },
    ]);
    expect(world.sim.control.calls().at(-2)).toMatchObject({ token: `app:${APP_ID}`, params: { object: 'page', include_values: true } });
  });

  it('says so when the callback does not give the challenge back', async () => {
    receiver.challenge = () => ({ status: 403, body: '' });
    const error = await rejection(subscribe(FIVE_FIELDS));
    expect(error).toBeInstanceOf(TerminalError);
    expect(error).toMatchObject({
      reason: 'CallbackVerificationFailed',
      graphText: expect.stringContaining('HTTP Status Code = 403') as unknown,
    });
  });

  it('says so when a field is refused', async () => {
    world.sim.control.config({ refusedAppFields: ['feed'] });
    expect(await rejection(subscribe(['messages', 'feed']))).toMatchObject({ reason: 'FieldRefused' });
  });

  it('tells once when Graph answers with another version', async () => {
    const app = { ...world.app, graphVersion: 'v19.0' };
    await world.graph.subscriptions(app, world.options);
    await world.graph.subscriptions(app, world.options);
    await world.graph.subscriptions(world.app, world.options);
    expect(versions).toEqual([[APP_ID, 'v19.0', 'v21.0']]);
  });
});
