import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  AppCredentialError,
  fullMessage,
  OperatorError,
  RateLimitedError,
  TerminalError,
  TransientError,
} from '../../../src/core/domain/errors.js';
import { Secret } from '../../../src/core/secrets/secret.js';
import { GRAPH_OPERATIONS, type GraphOperation } from '../../../src/graph/operations.js';
import type { CatalogueRow } from '../../../src/graph/errors/row.js';
import { ERROR_CATALOGUE } from '../../../src/graph/errors/catalogue.js';
import { lookUp, type GraphFailure } from '../../../src/graph/errors/lookup.js';
import type { FaultEffect } from '../../../src/simulator/faults.js';
import { APP_ID, graphWorld, rejection, type GraphWorld } from './world.js';

const CLASSES = { transient: TransientError, wait: RateLimitedError, terminal: TerminalError, 'app-credential': AppCredentialError };
const STATUS = { '2xx': 200, '3xx': 302, '4xx': 400, '5xx': 503 };

let world: GraphWorld;

beforeEach(async () => {
  world = await graphWorld();
});

afterEach(() => world.close());

/** How each operation is called, and what has to be there for it to come about. */
function call(operation: GraphOperation): Promise<unknown> {
  const { graph, app, options, sim } = world;
  const page = world.page();
  switch (operation) {
    case 'inspect_token':
      return graph.inspectToken(app, page.token, options);
    case 'page_info':
      return graph.pageInfo(page, options);
    case 'observe':
      return graph.observe(page, options);
    case 'subscribe':
      return graph.subscribe(page, ['messages'], options);
    case 'unsubscribe':
      return graph.unsubscribe(page, options);
    case 'unsubscribe_as_app':
      sim.control.addFault({ operation: 'subscribed_apps', times: 1, effect: { kind: 'error', code: 15 } });
      return graph.unsubscribe(page, options);
    case 'app_subscriptions':
      return graph.subscriptions(app, options);
    case 'subscribe_app':
      return graph.subscribeApp(
        app,
        { callbackUrl: 'http://127.0.0.1:9/', verifyToken: new Secret('verify-token', 'v'), fields: [] },
        options,
      );
    case 'batch': {
      const background = { ...options, priority: 'background' as const };
      return Promise.all([graph.observe(page, background), graph.observe(world.page('777'), background)]);
    }
  }
}

const EDGES: Record<GraphOperation, string> = {
  inspect_token: 'debug_token',
  page_info: 'node',
  observe: 'subscribed_apps',
  subscribe: 'subscribed_apps',
  unsubscribe: 'subscribed_apps',
  unsubscribe_as_app: 'subscribed_apps',
  app_subscriptions: 'subscriptions',
  subscribe_app: 'subscriptions',
  batch: 'batch',
};

/** An error of Graph's that this row is for. */
function sampleOf(row: CatalogueRow, operation: GraphOperation): GraphFailure {
  const code = row.codes?.map((one) => (typeof one === 'number' ? one : one[1]))[0] ?? 987_654;
  const subcode = row.subcodes?.find((one) => one !== 'none');
  const message = `(#${code}) ${row.prefix ?? 'Some words'} of Graph`;
  return { operation, status: STATUS[row.http ?? '4xx'], code, subcode, type: row.type ?? 'OAuthException', message };
}

function faultOf({ code = 0, subcode, type = '', message, status }: GraphFailure): FaultEffect {
  return { kind: 'error', code, type, message, status, ...(subcode === undefined ? {} : { subcode }) };
}

/** The first operation for which this row is the one that counts. */
function operationFor(row: CatalogueRow): GraphOperation | undefined {
  return (row.on ?? GRAPH_OPERATIONS).find((operation) => lookUp(sampleOf(row, operation)) === row);
}

const ROWS = ERROR_CATALOGUE.map(
  (row, index) => [`row ${index + 1}: ${row.codes?.join() ?? 'rest'} ${row.prefix ?? ''}${row.subcodes?.join() ?? ''}`, row] as const,
);

describe('every row of the catalogue, from Graph to the caller', () => {
  it.each(ROWS)('%s', async (_name, row) => {
    const operation = operationFor(row);
    if (operation === undefined) throw new Error('no operation ever comes to this row');
    const pending = call(operation);
    // The fault stands behind one that a call may have needed for itself, and before the call's
    // first byte is out.
    const effect = faultOf(sampleOf(row, operation));
    world.sim.control.addFault({ operation: EDGES[operation], effect });
    // The app is blamed only if a call of its own is refused as well.
    if (row.disposition === 'app-credential') world.sim.control.addFault({ operation: EDGES.app_subscriptions, effect });

    const error = await rejection(pending);

    expect(error).toBeInstanceOf(CLASSES[row.disposition]);
    expect(error).toMatchObject({ reason: row.reason });
    if (!(error instanceof OperatorError)) throw error;
    expect(error.message).toBe(`${row.says}: ${row.fix}`);
    expect(error.graphText).toMatch(/^Graph .* of Graph$/);
    expect(fullMessage(error)).toBe(`${error.message} (${error.graphText})`);
    const scope = operation === 'inspect_token' ? 'app' : row.scope;
    if (error instanceof RateLimitedError) expect([error.retryAfterMs, error.scope]).toEqual([300_000, scope]);
  });

  it.each(GRAPH_OPERATIONS.filter((operation) => operation !== 'batch'))(
    '%s: an error that nobody knows is transient',
    async (operation) => {
      const pending = call(operation);
      world.sim.control.addFault({ appId: APP_ID, effect: { kind: 'error', code: 31_337, status: 400 } });
      expect(await rejection(pending)).toBeInstanceOf(TransientError);
    },
  );

  it.each([
    [
      'an error at status 200',
      200,
      '{"error":{"message":"(#190) gone","type":"OAuthException","code":190,"error_subcode":463}}',
      TerminalError,
    ],
    ['an error without a code', 400, '{"error":{"message":"what"}}', TransientError],
    ['an error that is a word', 400, '{"error":"nope"}', TransientError],
    ["the whole batch's envelope", 200, '{"error_code":190,"error_description":"Invalid OAuth access token."}', TerminalError],
    ["the OAuth endpoints' envelope", 400, '{"error_type":"OAuthException","code":190,"error_message":"bad"}', TerminalError],
    ['HTML', 503, '<html>', TransientError],
    ['HTML at status 200', 200, '<html>', TransientError],
    ['nothing', 200, '', TransientError],
    ['a list', 200, '[]', TransientError],
    ['null', 200, 'null', TransientError],
    ['a number', 200, '7', TransientError],
    ['a redirect', 302, '', TransientError],
    ['a success that is none', 200, '{"success":false}', TransientError],
  ])('reads %s', async (_name, status, body, wanted) => {
    world.sim.control.addFault({ effect: { kind: 'http', status, body } });
    expect(await rejection(world.graph.subscribe(world.page(), ['messages'], world.options))).toBeInstanceOf(wanted);
  });

  it.each(['{"success":true}', '{"success":"true"}', 'true'])('takes %s for a success', async (body) => {
    world.sim.control.addFault({ effect: { kind: 'http', status: 200, body } });
    await expect(world.graph.subscribe(world.page(), ['messages'], world.options)).resolves.toBeUndefined();
  });
});
