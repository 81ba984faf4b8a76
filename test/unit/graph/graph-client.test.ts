import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { RateLimitedError, TerminalError, TransientError, AppCredentialError } from '../../../src/core/domain/errors.js';
import { Secret } from '../../../src/core/secrets/secret.js';
import { APP_ID, FIVE_FIELDS, graphWorld, PAGE_ID, rejection, type GraphWorld } from './world.js';

let world: GraphWorld;

beforeEach(async () => {
  world = await graphWorld();
});

afterEach(() => world.close());

describe('GraphClient against the simulator', () => {
  it('subscribes a page, sees its own row only, and replaces the whole list', async () => {
    const { graph, sim, options } = world;
    sim.control.makeApp({ id: '999', secret: 'other' });
    sim.control.setFields('999', PAGE_ID, ['feed']);
    const page = world.page();
    expect(await graph.observe(page, options)).toEqual({ subscribed: false, fields: new Set() });

    await graph.subscribe(page, FIVE_FIELDS, options);
    expect(await graph.observe(page, options)).toEqual({ subscribed: true, fields: new Set(FIVE_FIELDS) });

    await graph.subscribe(page, ['messages'], options);
    expect(await graph.observe(page, options)).toEqual({ subscribed: true, fields: new Set(['messages']) });
    expect(sim.control.fields('999', PAGE_ID)).toEqual(['feed']);
  });

  it('finds its own row on a later page of the edge, by the cursor', async () => {
    const { graph, sim, options } = world;
    sim.control.config({ pageSize: 2 });
    for (const id of ['100', '101', '102', '103', '104']) {
      sim.control.makeApp({ id, secret: 'other' });
      sim.control.setFields(id, PAGE_ID, ['feed']);
    }
    const app = { ...world.app, appId: '104', appSecret: new Secret('app-secret', 'other') };
    const token = sim.control.makeToken({ appId: '104', pageId: PAGE_ID });
    const page = { app, pageId: PAGE_ID, token: new Secret('page-token', token) };

    expect(await graph.observe(page, options)).toEqual({ subscribed: true, fields: new Set(['feed']) });
    expect(sim.control.calls().map(({ params }) => params['after'])).toHaveLength(3);

    sim.control.setFields('104', PAGE_ID, undefined);
    expect((await graph.observe(page, options)).subscribed).toBe(false);
    expect(sim.control.calls()).toHaveLength(5);
  });

  it('unsubscribes with the page token', async () => {
    const { graph, sim, options } = world;
    const page = world.page();
    await graph.subscribe(page, ['messages'], options);

    await graph.unsubscribe(page, options);

    expect(sim.control.fields(APP_ID, PAGE_ID)).toBeUndefined();
    expect(sim.control.calls().at(-1)).toMatchObject({ method: 'DELETE', token: `page-${PAGE_ID}`, proof: 'right' });
  });

  it('unsubscribes with the app token where Graph answers #15', async () => {
    const { graph, sim, options } = world;
    sim.control.config({ strictDelete: true });
    const page = world.page();
    await graph.subscribe(page, ['messages'], options);

    await graph.unsubscribe(page, options);

    expect(sim.control.fields(APP_ID, PAGE_ID)).toBeUndefined();
    expect(sim.control.calls().slice(-2)).toMatchObject([{ code: 15 }, { token: `app:${APP_ID}`, status: 200 }]);
  });

  it('reads the page node', async () => {
    expect(await world.graph.pageInfo(world.page(), world.options)).toEqual({ id: PAGE_ID, name: 'Clinic A' });
  });

  it('inspects a good token', async () => {
    const { graph, sim, app, options } = world;
    const token = sim.control.makeToken({ appId: APP_ID, pageId: PAGE_ID, granularTargets: { pages_show_list: null } });
    const info = await graph.inspectToken(app, new Secret('page-token', token), options);
    expect(info).toMatchObject({ isValid: true, type: 'PAGE', appId: APP_ID, profileId: PAGE_ID, expiresAt: 0, error: undefined });
    expect(info.scopes).toContain('pages_messaging');
    expect(info.granularScopes.get('pages_messaging')).toEqual([PAGE_ID]);
    expect(info.granularScopes.has('pages_show_list')).toBe(true);
    expect(info.granularScopes.get('pages_show_list')).toBeUndefined();
  });

  it.each([
    ['expired', 463],
    ['password_changed', 460],
    ['uninstalled', 458],
    ['checkpoint', 459],
    ['role_lost', 492],
    ['garbage', undefined],
  ] as const)('inspects a dead token: %s', async (state, subcode) => {
    const token = world.sim.control.makeToken({ appId: APP_ID, pageId: PAGE_ID, state });
    const info = await world.graph.inspectToken(world.app, new Secret('page-token', token), world.options);
    expect(info).toMatchObject({ isValid: false, error: { code: 190, subcode } });
  });

  it("says so when the token is another app's", async () => {
    world.sim.control.makeApp({ id: '999', secret: 'other' });
    const token = world.sim.control.makeToken({ appId: '999', pageId: PAGE_ID });
    const error = await rejection(world.graph.inspectToken(world.app, new Secret('page-token', token), world.options));
    expect(error).toBeInstanceOf(TerminalError);
    expect(error).toMatchObject({ reason: 'TokenWrongApp' });
  });

  it.each([
    ['an unknown field', ['messages', 'messaging_seen'], {}, 'InvalidField'],
    ['a missing permission', ['messages'], { scopes: ['pages_manage_metadata'] }, 'PermissionDenied'],
    ['a user token', ['messages'], { type: 'USER' as const }, 'TokenWrongType'],
    ['an expired token', ['messages'], { state: 'expired' as const }, 'TokenExpired'],
    ['a revoked token', ['messages'], { state: 'password_changed' as const }, 'TokenInvalidated'],
    ['a token of another page', ['messages'], { pageId: '777' }, 'PageNotGranted'],
  ])('refuses to subscribe for good: %s', async (_name, fields, token, reason) => {
    const { sim, graph, options } = world;
    sim.control.makePage({ id: '777' });
    const page = world.page(PAGE_ID, sim.control.makeToken({ appId: APP_ID, pageId: PAGE_ID, ...token }));
    const error = await rejection(graph.subscribe(page, fields, options));
    expect(error).toBeInstanceOf(TerminalError);
    expect(error).toMatchObject({ reason });
    expect(sim.control.fields(APP_ID, PAGE_ID)).toBeUndefined();
  });

  it('takes an empty list for what Graph takes it for: an unknown error', async () => {
    world.sim.control.addFault({ effect: { kind: 'error', code: 1, message: 'An unknown error has occurred.' } });
    expect(await rejection(world.graph.subscribe(world.page(), ['messages'], world.options))).toBeInstanceOf(TransientError);
  });

  it('names a throttle with the time and whose it is', async () => {
    world.sim.control.addFault({ pageId: PAGE_ID, effect: { kind: 'throttle', code: 80001, regainMinutes: 7 } });
    const error = await rejection(world.graph.observe(world.page(), world.options));
    expect(error).toBeInstanceOf(RateLimitedError);
    expect(error).toMatchObject({ retryAfterMs: 7 * 60_000, scope: 'page' });
  });

  it("takes a refused proof for the app's own trouble", async () => {
    const { graph, options, page } = world;
    const wrong = { ...world.app, appSecret: new Secret('app-secret', 'not-the-secret') };
    const error = await rejection(graph.observe({ ...page(), app: wrong }, options));
    expect(error).toBeInstanceOf(AppCredentialError);
    expect(error).toMatchObject({ reason: 'AppSecretInvalid' });
  });

  it('reads back only after the lag', async () => {
    const { graph, sim, options } = world;
    const page = world.page();
    sim.control.config({ lagMs: 60_000 });
    await graph.subscribe(page, ['messages'], options);
    expect((await graph.observe(page, options)).subscribed).toBe(false);
    expect(sim.control.fields(APP_ID, PAGE_ID)).toEqual(['messages']);
  });
});
