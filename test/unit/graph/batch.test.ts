import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { RateLimitedError, TerminalError, TransientError } from '../../../src/core/domain/errors.js';
import type { GraphCallOptions } from '../../../src/core/ports/graph.js';
import { Secret } from '../../../src/core/secrets/secret.js';
import { eventually } from '../../support/eventually.js';
import { FakeClock } from '../../support/fake-clock.js';
import { APP_ID, graphWorld, rejection, type GraphWorld } from './world.js';

let clock: FakeClock;
let world: GraphWorld;
let requests: number[];
const background: GraphCallOptions = { signal: new AbortController().signal, priority: 'background' };

beforeEach(async () => {
  clock = new FakeClock();
  requests = [];
  const observer = { call: () => undefined, request: (calls: number) => requests.push(calls), otherVersion: () => undefined };
  world = await graphWorld({ clock, observer });
});

afterEach(() => world.close());

const ids = (count: number): string[] => Array.from({ length: count }, (_, i) => String(1_000 + i));
const observeAll = (pageIds: readonly string[], options = background) => pageIds.map((id) => world.graph.observe(world.page(id), options));
const outer = () => world.sim.control.calls().filter(({ batch }) => batch === undefined);

describe('background calls', () => {
  it('go out 50 in a batch, each with its own token and proof', async () => {
    for (const id of ids(120)) world.page(id);
    world.sim.control.setFields(APP_ID, '1007', ['feed']);
    const pending = observeAll(ids(120));
    await clock.advance(50);
    const seen = await Promise.all(pending);

    expect(requests).toEqual([50, 50, 20]);
    expect(seen.map(({ subscribed }) => subscribed).indexOf(true)).toBe(7);
    const items = world.sim.control.calls().filter(({ batch }) => batch !== undefined);
    expect(items).toHaveLength(120);
    expect(items.every(({ token, pageId, proof }) => token === `page-${pageId}` && proof === 'right')).toBe(true);
    expect(outer()).toHaveLength(3);
  });

  it('wait for company no longer than 50 ms, and go alone without any', async () => {
    const pending = world.graph.observe(world.page(), background);
    await clock.advance(49);
    expect(world.sim.control.calls()).toHaveLength(0);
    await clock.advance(1);
    await pending;
    expect(world.sim.control.calls()).toMatchObject([{ shape: '/{page-id}/subscribed_apps', batch: undefined }]);
  });

  it('read, write and inspect in the same batch', async () => {
    const page = world.page();
    const pending = Promise.all([
      world.graph.inspectToken(world.app, page.token, background),
      world.graph.pageInfo(page, background),
      world.graph.subscribe(page, ['messages', 'feed'], background),
      world.graph.observe(page, background),
      world.graph.subscriptions(world.app, background),
    ]);
    await clock.advance(50);
    const [info, node, , observed] = await pending;
    expect(info.isValid).toBe(true);
    expect(node.name).toBe('Clinic A');
    expect(observed.fields).toEqual(new Set(['messages', 'feed']));
    expect(requests).toEqual([5]);
  });

  it('do not hold up interactive ones', async () => {
    const pending = observeAll(ids(3));
    await world.graph.observe(world.page(), world.options);
    expect(outer()).toHaveLength(1);
    await clock.advance(50);
    await Promise.all(pending);
  });

  it('are kept apart by app, secret and version', async () => {
    world.sim.control.makeApp({ id: '999', secret: 'other' });
    const other = { appId: '999', appSecret: new Secret('app-secret', 'other'), graphVersion: 'v25.0' };
    const token = new Secret('page-token', world.sim.control.makeToken({ appId: '999', pageId: '1000' }));
    const pending = [
      ...observeAll(['1000', '1001']),
      world.graph.observe({ app: other, pageId: '1000', token }, background),
      world.graph.observe({ app: other, pageId: '1000', token }, background),
      world.graph.observe({ ...world.page('1002'), app: { ...world.app, graphVersion: 'v24.0' } }, background),
    ];
    await clock.advance(50);
    await Promise.all(pending);
    expect(requests.sort()).toEqual([1, 2, 2]);
  });
});

describe('what happens to one call of a batch', () => {
  async function outcome(pageIds: readonly string[]): Promise<unknown[]> {
    const pending = Promise.all(
      observeAll(pageIds).map((call) =>
        call.then(
          () => 'good',
          (error: unknown) => error,
        ),
      ),
    );
    await clock.advance(50);
    return pending;
  }

  it('stays with it: a dead token, a throttle, a null and a missing page', async () => {
    world.sim.control.makePage({ id: '1000' });
    world.page('1000', world.sim.control.makeToken({ appId: APP_ID, pageId: '1000', alias: 'page-1000' }));
    for (const id of ids(5)) world.page(id);
    world.sim.control.addFault({ pageId: '1000', effect: { kind: 'error', code: 190, subcode: 463 } });
    world.sim.control.addFault({ pageId: '1001', effect: { kind: 'throttle', code: 32, regainMinutes: 3 } });
    world.sim.control.addFault({ pageId: '1002', effect: { kind: 'null' } });
    world.sim.control.addFault({ pageId: '1003', effect: { kind: 'http', status: 500, body: '<html>' } });

    const [dead, throttled, none, broken, good] = await outcome(ids(5));

    expect(dead).toBeInstanceOf(TerminalError);
    expect(throttled).toBeInstanceOf(RateLimitedError);
    expect(throttled).toMatchObject({ retryAfterMs: 180_000, scope: 'page' });
    expect(none).toBeInstanceOf(TransientError);
    expect(broken).toBeInstanceOf(TransientError);
    expect(good).toBe('good');
    // Only the throttled page is held back in the next batch.
    world.sim.control.removeFault();
    expect((await outcome(ids(5))).map((one) => (one === 'good' ? 'good' : 'held'))).toEqual(['good', 'held', 'good', 'good', 'good']);
    expect(requests).toEqual([5, 4]);
  });

  it.each([
    ['a throttle of the app', { kind: 'error', code: 4 }, RateLimitedError, 'RateLimited'],
    ['an app token that is refused only here', { kind: 'error', code: 190 }, TransientError, 'GraphUnavailable'],
    ['an outage', { kind: 'error', code: 2 }, TransientError, 'GraphUnavailable'],
    ['HTML', { kind: 'http', status: 502 }, TransientError, 'GraphUnavailable'],
    ['a broken connection', { kind: 'drop' }, TransientError, 'GraphUnavailable'],
  ] as const)('is that of the whole batch where all of it fails: %s', async (_name, effect, type, reason) => {
    world.sim.control.addFault({ operation: 'batch', effect });
    const outcomes = await outcome(ids(3));
    for (const one of outcomes) {
      expect(one).toBeInstanceOf(type);
      expect(one).toMatchObject({ reason });
    }
  });

  it('is that of the whole batch where Graph refuses the app token, which one call of the app finds out', async () => {
    world.sim.control.addFault({ operation: 'batch', effect: { kind: 'error', code: 190 } });
    world.sim.control.addFault({ operation: 'subscriptions', effect: { kind: 'error', code: 190 } });
    for (const one of await outcome(ids(50))) expect(one).toMatchObject({ name: 'AppCredentialError', reason: 'AppSecretInvalid' });
    expect(requests).toEqual([50, 1]);
  });

  it('is transient where the answer has fewer items than the batch', async () => {
    world.sim.control.addFault({
      operation: 'batch',
      effect: { kind: 'http', status: 200, body: '[{"code":200,"body":"{\\"data\\":[]}"},null,{"code":200},{"code":"x","body":"{}"}]' },
    });
    const [good, ...rest] = await outcome(ids(6));
    expect(good).toBe('good');
    for (const one of rest) expect(one).toBeInstanceOf(TransientError);
  });

  it('with the app blocked only one call goes out, as the probe', async () => {
    world.sim.control.addFault({ times: 1, effect: { kind: 'error', code: 4 } });
    await rejection(world.graph.observe(world.page(), world.options));
    await clock.advance(60_000);
    const outcomes = await outcome(ids(10));
    expect(outcomes.filter((one) => one === 'good')).toHaveLength(1);
    expect(outcomes.filter((one) => one instanceof RateLimitedError)).toHaveLength(9);
    expect(await outcome(ids(10))).toEqual(Array(10).fill('good'));
  });
});

describe('giving up on a call of a batch', () => {
  it('before it goes out takes it out of the batch', async () => {
    const controller = new AbortController();
    const gone = rejection(world.graph.observe(world.page('1000'), { ...background, signal: controller.signal }));
    const rest = observeAll(['1001', '1002']);
    const reason = new Error('no longer wanted');
    controller.abort(reason);
    expect(await gone).toBe(reason);
    await clock.advance(50);
    await Promise.all(rest);
    expect(requests).toEqual([2]);
  });

  it('under way leaves the others to their answers, and ends the request when nobody wants it any more', async () => {
    const hang = world.sim.control.addFault({ operation: 'batch', effect: { kind: 'hang' } });
    const controllers = [new AbortController(), new AbortController()];
    const pending = controllers.map(({ signal }, i) =>
      rejection(world.graph.observe(world.page(String(1_000 + i)), { ...background, signal })),
    );
    await clock.advance(50);
    await eventually(() => outer().length === 1);
    controllers[0]?.abort(new Error('one'));
    expect((await pending[0])?.message).toBe('one');
    controllers[1]?.abort(new Error('two'));
    expect((await pending[1])?.message).toBe('two');
    world.sim.control.removeFault(hang.id);
    expect(clock.pendingTimers).toBe(0);
  });

  it('already aborted rejects at once', async () => {
    const reason = new Error('before');
    expect(await rejection(world.graph.observe(world.page(), { ...background, signal: AbortSignal.abort(reason) }))).toBe(reason);
  });
});
