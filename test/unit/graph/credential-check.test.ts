import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { AppCredentialError, RateLimitedError, TerminalError, TransientError } from '../../../src/core/domain/errors.js';
import { Secret } from '../../../src/core/secrets/secret.js';
import { APP_ID, graphWorld, PAGE_ID, rejection, type GraphWorld } from './world.js';

let world: GraphWorld;

beforeEach(async () => {
  world = await graphWorld();
});

afterEach(() => world.close());

const shapes = (): readonly string[] => world.sim.control.calls().map(({ method, shape }) => `${method} ${shape}`);
const inspect = (pageId?: string) => world.graph.inspectToken(world.app, world.page(pageId).token, world.options);
const observe = () => world.graph.observe(world.page(), world.options);
const subscribe = () => world.graph.subscribe(world.page(), ['messages'], world.options);
const WRONG_PROOF = { kind: 'error', code: 100, type: 'GraphMethodException', message: 'Invalid appsecret_proof' } as const;

describe("a refusal of the app's credentials in a call that concerns a Page", () => {
  it.each([
    ['190 for one input_token', inspect, { kind: 'error', code: 190 }, 'TokenMalformed'],
    ['101 for one input_token', inspect, { kind: 'error', code: 101 }, 'TokenMalformed'],
    ['a wrong proof with one Page token', observe, WRONG_PROOF, 'TokenWrongApp'],
  ] as const)('is about that token where Graph accepts the app: %s', async (_name, call, effect, reason) => {
    const fault = world.sim.control.addFault({ [call === inspect ? 'inspectedPageId' : 'pageId']: PAGE_ID, effect });
    const error = await rejection(call());
    expect(error).toBeInstanceOf(TerminalError);
    expect(error).toMatchObject({ reason, graphText: expect.stringContaining(`Graph ${effect.code}`) as unknown });
    expect(shapes()).toHaveLength(3);
    expect(shapes()[1]).toBe('GET /{app-id}/subscriptions');

    // However often it is refused, nobody else waits for it.
    for (let i = 0; i < 4; i++) await rejection(call());
    await expect(inspect('777')).resolves.toMatchObject({ isValid: true });
    await expect(world.graph.observe(world.page('777'), world.options)).resolves.toBeDefined();
    world.sim.control.removeFault(fault.id);
    await expect(call()).resolves.toBeDefined();
  });

  it('is repeated once, and forgotten where it was an incident', async () => {
    world.sim.control.addFault({ times: 1, effect: { kind: 'error', code: 190 } });
    await expect(inspect()).resolves.toMatchObject({ isValid: true });
  });

  it("is transient for a write, which is not repeated behind its caller's back", async () => {
    world.sim.control.addFault({ pageId: PAGE_ID, effect: WRONG_PROOF });
    expect(await rejection(subscribe())).toBeInstanceOf(TransientError);
    expect(shapes()).toEqual(['POST /{page-id}/subscribed_apps', 'GET /{app-id}/subscriptions']);
  });

  it('is about the app where Graph refuses a call of its own as well: then all calls wait', async () => {
    const app = { ...world.app, appSecret: new Secret('app-secret', 'not-the-secret') };
    const { token } = world.page();
    const error = await rejection(world.graph.inspectToken(app, token, world.options));
    expect(error).toBeInstanceOf(AppCredentialError);
    expect(error).toMatchObject({ reason: 'AppSecretInvalid' });
    const sent = shapes().length;
    expect(await rejection(world.graph.inspectToken(app, token, world.options))).toBeInstanceOf(AppCredentialError);
    expect(shapes()).toHaveLength(sent);
  });

  it.each([
    ['fails', { kind: 'error', code: 2 }, TransientError],
    ['is throttled', { kind: 'throttle', code: 4 }, RateLimitedError],
  ] as const)('blames nobody where the call of the app %s', async (_name, effect, type) => {
    world.sim.control.addFault({ operation: 'debug_token', effect: { kind: 'error', code: 190 } });
    world.sim.control.addFault({ operation: 'subscriptions', appId: APP_ID, effect });
    expect(await rejection(inspect())).toBeInstanceOf(type);
  });

  it('is about the token where the app lacks only a permission for its own call', async () => {
    world.sim.control.addFault({ operation: 'debug_token', effect: { kind: 'error', code: 190 } });
    world.sim.control.addFault({ operation: 'subscriptions', effect: { kind: 'error', code: 200 } });
    expect(await rejection(inspect())).toMatchObject({ reason: 'TokenMalformed' });
  });
});
