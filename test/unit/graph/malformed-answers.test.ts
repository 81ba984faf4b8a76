import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { TransientError } from '../../../src/core/domain/errors.js';
import { Secret } from '../../../src/core/secrets/secret.js';
import { silentObserver } from '../../../src/graph/observer.js';
import { FakeClock } from '../../support/fake-clock.js';
import { APP_ID, graphWorld, PAGE_ID, rejection, type GraphWorld } from './world.js';

let world: GraphWorld;

afterEach(() => world.close());

const answer = (body: unknown) =>
  world.sim.control.addFault({ times: 1, effect: { kind: 'http', status: 200, body: JSON.stringify(body) } });

const CALLS = {
  inspectToken: () => world.graph.inspectToken(world.app, new Secret('page-token', 'x'), world.options),
  pageInfo: () => world.graph.pageInfo(world.page(), world.options),
  observe: () => world.graph.observe(world.page(), world.options),
  subscribe: () => world.graph.subscribe(world.page(), ['messages'], world.options),
  unsubscribe: () => world.graph.unsubscribe(world.page(), world.options),
  subscriptions: () => world.graph.subscriptions(world.app, world.options),
  subscribeApp: () => {
    const verifyToken = new Secret('verify-token', 'v-123456');
    return world.graph.subscribeApp(world.app, { callbackUrl: 'https://x.example/', verifyToken, fields: ['messages'] }, world.options);
  },
};
type Call = keyof typeof CALLS;

const ANYWHERE: readonly unknown[] = [null, [], 7, 'x', true, {}, { data: null }, { data: {} }, { data: 'x' }, { data: 7 }];
const token = { is_valid: true, app_id: APP_ID, type: 'PAGE', profile_id: PAGE_ID, expires_at: 0, scopes: ['pages_messaging'] };
const row = { object: 'page', callback_url: 'https://x.example/', active: true, fields: [{ name: 'messages', version: 'v25.0' }] };
const own = { id: APP_ID, subscribed_fields: ['messages'] };
const next = 'https://graph.example/x?access_token=EAAsecret&after=a';

/** Answers with status 200 that the edge does not document. */
const MALFORMED: Readonly<Record<Call, readonly unknown[]>> = {
  inspectToken: [
    ...ANYWHERE,
    { data: [] },
    { data: { ...token, is_valid: undefined } },
    { data: { ...token, is_valid: null } },
    { data: { ...token, is_valid: 1 } },
    { data: { ...token, scopes: undefined } },
    { data: { ...token, scopes: null } },
    { data: { ...token, scopes: 'pages_messaging' } },
    { data: { ...token, scopes: [null] } },
    { data: { ...token, app_id: undefined } },
    { data: { ...token, app_id: {} } },
    { data: { ...token, type: undefined } },
    { data: { ...token, profile_id: undefined } },
    { data: { ...token, profile_id: '' } },
    { data: { ...token, expires_at: 'soon' } },
    { data: { ...token, data_access_expires_at: [] } },
    { data: { ...token, granular_scopes: {} } },
    { data: { ...token, granular_scopes: [null] } },
    { data: { ...token, granular_scopes: [{}] } },
    { data: { ...token, granular_scopes: [{ scope: 'a', target_ids: 'x' }] } },
    { data: { ...token, granular_scopes: [{ scope: 'a', target_ids: [{}] }] } },
    { data: { is_valid: false, error: 'x' } },
  ],
  pageInfo: [...ANYWHERE, { id: '' }, { id: {} }, { name: 'Clinic A' }, { id: '1' }, { id: PAGE_ID, name: {} }],
  observe: [
    ...ANYWHERE,
    { data: [null] },
    { data: ['x'] },
    { data: [{}] },
    { data: [{ id: null }] },
    { data: [{ id: APP_ID, subscribed_fields: 'messages' }] },
    { data: [{ id: APP_ID, subscribed_fields: {} }] },
    { data: [{ id: APP_ID, subscribed_fields: [null] }] },
    { data: [], paging: 'x' },
    { data: [], paging: { next: 'nonsense' } },
    { data: [], paging: { next: {} } },
    { data: [], paging: { next, cursors: 'a' } },
  ],
  subscribe: [...ANYWHERE.filter((body) => body !== true), { success: false }, { success: null }, { success: 1 }],
  unsubscribe: [...ANYWHERE.filter((body) => body !== true), { success: false }, { success: null }, { success: 1 }],
  subscriptions: [
    ...ANYWHERE,
    { data: [null] },
    { data: [{}] },
    { data: [{ ...row, object: undefined }] },
    { data: [{ ...row, callback_url: null }] },
    { data: [{ ...row, active: null }] },
    { data: [{ ...row, fields: undefined }] },
    { data: [{ ...row, fields: 'messages' }] },
    { data: [{ ...row, fields: [{}] }] },
    { data: [row], paging: { next: 'nonsense' } },
  ],
  subscribeApp: [...ANYWHERE.filter((body) => body !== true), { success: false }, { success: 'no' }],
};

/** Odd answers that the edges do document, or that say the same. */
const TAKEN: readonly (readonly [Call, unknown, unknown])[] = [
  ['observe', { data: [] }, { subscribed: false, fields: new Set() }],
  ['observe', { data: [{ id: 1 }, own] }, { subscribed: true, fields: new Set(['messages']) }],
  ['observe', { data: [{ id: APP_ID }] }, { subscribed: true, fields: new Set() }],
  ['pageInfo', { id: PAGE_ID }, { id: PAGE_ID, name: undefined }],
  ['pageInfo', { id: PAGE_ID, name: '' }, { id: PAGE_ID, name: '' }],
  ['inspectToken', { data: { ...token, expires_at: '5', scopes: [] } }, expect.objectContaining({ expiresAt: 5, scopes: [] })],
  [
    'inspectToken',
    { data: { ...token, granular_scopes: [{ scope: 'a', target_ids: [12_345] }, { scope: 'b' }] } },
    expect.objectContaining({
      granularScopes: new Map([
        ['a', ['12345']],
        ['b', undefined],
      ]),
    }),
  ],
  [
    'inspectToken',
    { data: { is_valid: false, error: { code: 190, message: 'gone' } } },
    expect.objectContaining({ isValid: false, scopes: [] }),
  ],
  [
    'subscriptions',
    { data: [{ ...row, active: 'true', fields: ['messages', { name: 'feed' }] }] },
    [{ object: 'page', callbackUrl: row.callback_url, active: true, fields: ['messages', 'feed'] }],
  ],
];

describe('an answer of status 200', () => {
  beforeEach(async () => {
    world = await graphWorld();
  });

  const rows = (Object.keys(CALLS) as Call[]).flatMap((call) => MALFORMED[call].map((body) => [call, JSON.stringify(body), body] as const));

  it.each(rows)('%s: %s is not as documented, and decides nothing', async (call, _text, body) => {
    const pending = CALLS[call]();
    answer(body);
    const error = await rejection(pending);
    expect(error).toBeInstanceOf(TransientError);
    expect(error).toMatchObject({ reason: 'GraphUnavailable' });
  });

  it.each(TAKEN)('%s: %j is read', async (call, body, wanted) => {
    const pending = CALLS[call]();
    answer(body);
    expect(await pending).toEqual(wanted);
  });

  it('does not end a wait that Graph asked for, unless it is as documented', async () => {
    await world.close();
    const clock = new FakeClock();
    world = await graphWorld({ clock });
    const { control } = world.sim;
    control.addFault({ times: 1, effect: { kind: 'throttle', code: 4 } });
    expect(await rejection(CALLS.subscriptions())).toMatchObject({ reason: 'RateLimited' });
    await clock.advance(60_000);
    answer({});
    expect(await rejection(CALLS.subscriptions())).toMatchObject({ reason: 'GraphUnavailable' });
    expect(await rejection(CALLS.subscriptions())).toMatchObject({ reason: 'RateLimited' });
  });
});

describe('an answer for a whole batch', () => {
  it.each([[{}], [{ success: true }], [{ data: [] }], [{ id: PAGE_ID }], [[null, null, null]], [['x', { code: 200 }]]])(
    '%j is an answer for none of its calls',
    async (body) => {
      const clock = new FakeClock();
      const requests: number[] = [];
      const observer = { ...silentObserver, request: (calls: number) => requests.push(calls) };
      world = await graphWorld({ clock, observer });
      const background = { ...world.options, priority: 'background' as const };
      const { graph } = world;
      answer(body);
      const calls = [graph.subscribe(world.page(), ['messages'], background), graph.observe(world.page(), background)];
      const errors = Promise.all(calls.map((call) => rejection(call)));
      await clock.advance(50);
      for (const error of await errors) expect(error).toBeInstanceOf(TransientError);
      expect(requests).toEqual([2]);
    },
  );
});
