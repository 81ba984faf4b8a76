import { describe, expect, it } from '@jest/globals';
import type { Graph } from '../../../src/core/ports/graph.js';
import { Secret } from '../../../src/core/secrets/secret.js';
import { appCall, pageCall, relativePath, wireRequest } from '../../../src/graph/call.js';
import { GraphClient } from '../../../src/graph/graph-client.js';
import { callingThrough, GRAPH_OPERATIONS, OPERATIONS, operationsWith, shapeOf } from '../../../src/graph/operations.js';

const app = { appId: '151', appSecret: new Secret('app-secret', 'canary.app'), graphVersion: 'v25.0' };
const page = { app, pageId: '10/01', token: new Secret('page-token', 'canary.page') };
const options = { signal: new AbortController().signal };

describe('the table of operations', () => {
  it('gives each operation a shape of its own', () => {
    const shapes = GRAPH_OPERATIONS.map(shapeOf);
    expect(new Set(shapes).size).toBe(shapes.length);
    expect(shapes).toContain('GET /{page-id}/subscribed_apps');
    expect(shapes).toContain('DELETE /{page-id}/subscribed_apps as the app');
    expect(shapes).toContain('POST / (batch)');
  });

  it('says of every call that is not a GET, other than a batch, that it writes', () => {
    for (const name of GRAPH_OPERATIONS) {
      const { method, write } = OPERATIONS[name];
      expect([name, write]).toEqual([name, method !== 'GET' && name !== 'batch']);
    }
  });

  it('divides the operations by the token they are made with', () => {
    expect([...operationsWith('page'), ...operationsWith('app')].sort()).toEqual([...GRAPH_OPERATIONS].sort());
  });
});

describe('a call', () => {
  it('has the path of its operation with the ids escaped', () => {
    expect(relativePath(pageCall('observe', page, {}, options))).toBe('10%2F01/subscribed_apps');
    expect(relativePath(appCall('app_subscriptions', app, {}, options))).toBe('151/subscriptions');
    expect(wireRequest(appCall('inspect_token', app, {}, options)).path).toBe('/v25.0/debug_token');
  });

  it('carries the token that its operation is made with', () => {
    expect(pageCall('unsubscribe', page, {}, options).auth).toEqual({ app, token: page.token });
    expect(pageCall('unsubscribe_as_app', page, {}, options).auth).toEqual({ app });
  });
});

/** What the client has besides the calls of the port. */
const NOT_CALLS = new Set(['constructor', 'close', 'pressure', 'answeredVersion']);

describe('callingThrough', () => {
  it('makes every call of the client inside the given function, with its arguments and its result', async () => {
    const methods = Object.getOwnPropertyNames(GraphClient.prototype).filter((name) => !NOT_CALLS.has(name));
    const echoing = methods.map((name) => [name, (...args: unknown[]) => Promise.resolve([name, ...args])]);
    let entered = 0;
    const through = callingThrough(Object.fromEntries(echoing) as Graph, (call) => {
      entered++;
      return call();
    });

    const results = await Promise.all(methods.map(async (name) => (through as unknown as Echoing)[name]?.('first', 'second')));

    expect(results).toEqual(methods.map((name) => [name, 'first', 'second']));
    expect(entered).toBe(methods.length);
  });
});

type Echoing = Readonly<Record<string, (...args: unknown[]) => Promise<unknown>>>;
