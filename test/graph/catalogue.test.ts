import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { APP_REASONS, PAGE_REASONS } from '../../src/api/v1alpha1/conditions.js';
import type { GraphOperation } from '../../src/graph/operations.js';
import type { CatalogueRow } from '../../src/graph/errors/row.js';
import { ERROR_CATALOGUE } from '../../src/graph/errors/catalogue.js';
import { lookUp, type GraphFailure } from '../../src/graph/errors/lookup.js';
import type { FaultEffect, FaultSpec } from '../../src/simulator/faults.js';
import { CALLBACK, GraphWorld, HOUR_MS, MINUTE_MS, type TestPage } from './support/world.js';

const STATUS = { '2xx': 200, '3xx': 302, '4xx': 400, '5xx': 503 };
/**
 * The calls that the controllers make, those of a page first; what only others come to is shown
 * with the client alone.
 */
const OPERATIONS = ['observe', 'subscribe', 'inspect_token', 'subscribe_app', 'app_subscriptions'] as const;
type Operation = (typeof OPERATIONS)[number];
const TARGETS: Readonly<Record<Operation, Pick<FaultSpec, 'operation' | 'method'>>> = {
  observe: { operation: 'subscribed_apps', method: 'GET' },
  subscribe: { operation: 'subscribed_apps', method: 'POST' },
  inspect_token: { operation: 'debug_token' },
  subscribe_app: { operation: 'subscriptions', method: 'POST' },
  app_subscriptions: { operation: 'subscriptions', method: 'GET' },
};

/** An error of Graph's that this row is for. */
function sampleOf(row: CatalogueRow, operation: GraphOperation): GraphFailure {
  const code = row.codes?.map((one) => (typeof one === 'number' ? one : one[1]))[0] ?? 987_654;
  const subcode = row.subcodes?.find((one) => one !== 'none');
  const message = `(#${code}) ${row.prefix ?? 'Some words'} of Graph`;
  return { operation, status: STATUS[row.http ?? '4xx'], code, subcode, type: row.type ?? 'OAuthException', message };
}

function effectOf({ code = 0, subcode, type = '', message, status }: GraphFailure): FaultEffect {
  return { kind: 'error', code, type, message, status, ...(subcode === undefined ? {} : { subcode }) };
}

function operationFor(row: CatalogueRow): Operation {
  const found = OPERATIONS.find((operation) => (row.on?.includes(operation) ?? true) && lookUp(sampleOf(row, operation)) === row);
  if (found === undefined) throw new Error('the controllers never come to this row');
  return found;
}

const ALL = ERROR_CATALOGUE.map((row, index) => {
  const key = [row.codes?.join() ?? row.http ?? 'any', row.subcodes?.join() ?? '', row.prefix ?? '']
    .filter((text) => text !== '')
    .join(' ');
  return [`${index + 1}`, key, operationFor(row), row] as const;
});
const rows = (disposition: CatalogueRow['disposition'], ofApp?: boolean) =>
  ALL.filter(([, , operation, row]) => {
    const app = operation === 'subscribe_app' || operation === 'app_subscriptions';
    return row.disposition === disposition && (ofApp === undefined || ofApp === app);
  });

let world: GraphWorld;

beforeEach(async () => {
  world = await GraphWorld.make();
});

afterEach(() => world.close());

/** The time between the first failing call and the one after it on the same edge, in seconds. */
async function secondsToNext(operation: Operation, since: number): Promise<number> {
  const edge = TARGETS[operation];
  const matching = () =>
    world
      .calls(since)
      .filter(({ shape, method }) => shape.endsWith(`/${edge.operation}`) && (edge.method === undefined || method === edge.method))
      .map(({ at }) => at);
  await world.until(() => matching().length >= 2, 2 * HOUR_MS, 500);
  const [first = 0, second = 0] = matching();
  return (second - first) / 1_000;
}

async function settledPage(): Promise<TestPage> {
  const page = world.addPage({ subscribed: true });
  world.start();
  await world.until(() => world.ready(page.name) === 'True', MINUTE_MS);
  return page;
}

describe('a refusal of a page, from Graph to the object', () => {
  it.each(rows('terminal', false))('row %s: %s at %s', async (_row, _key, operation, row) => {
    world.sim.control.addFault({ ...TARGETS[operation], effect: effectOf(sampleOf(row, operation)) });
    const page = world.addPage();
    world.start();
    await world.until(() => world.ready(page.name) !== 'none', MINUTE_MS, 100);

    const ofToken = PAGE_REASONS.TokenValid.some((reason) => reason === row.reason);
    const condition = world.condition(page.name, ofToken ? 'TokenValid' : 'Subscribed');
    expect(condition).toMatchObject({ status: 'False', reason: row.reason });
    expect(condition?.message).toContain(row.says);
    expect(condition?.message).toContain(row.fix);
    expect(world.condition(page.name, 'Ready')?.message).toBe(condition?.message);
    expect(world.condition(page.name, 'Stalled')?.reason).toBe(row.reason);
    expect(world.told(page.name).map(({ type, reason }) => `${type} ${reason}`)).toEqual([`Warning ${row.reason}`]);
    expect(world.appCondition('Ready')?.status).toBe('True');

    const next = await secondsToNext(operation, 0);
    expect(next).toBeGreaterThanOrEqual(600);
    expect(next).toBeLessThanOrEqual(606);
    expect(world.told(page.name)).toHaveLength(1);

    world.sim.control.removeFault();
    await world.until(() => world.ready(page.name) === 'True', HOUR_MS);
    expect(world.told(page.name).at(-1)?.reason).toBe('Recovered');
  });
});

describe('a refusal of an app, from Graph to the object', () => {
  it.each(rows('terminal', true))('row %s: %s at %s', async (_row, _key, operation, row) => {
    await world.close();
    world = await GraphWorld.make({ webhook: { subscription: 'Manage', callbackUrl: `${CALLBACK}-new` } });
    world.sim.control.addFault({ ...TARGETS[operation], effect: effectOf(sampleOf(row, operation)) });
    world.addPage({ subscribed: true });
    world.start();
    await world.until(() => world.appCondition('Subscribed') !== undefined, MINUTE_MS, 100);

    expect(APP_REASONS.Subscribed).toContain(row.reason);
    expect(world.appCondition('Subscribed')).toMatchObject({ status: 'False', reason: row.reason });
    expect(world.appCondition('Subscribed')?.message).toContain(row.fix);
    expect(world.appCondition('Stalled')?.reason).toBe(row.reason);
    expect(world.told('main').map(({ type, reason }) => `${type} ${reason}`)).toEqual([`Warning ${row.reason}`]);
    const next = await secondsToNext(operation, 0);
    expect(next).toBeGreaterThanOrEqual(600);
    expect(next).toBeLessThanOrEqual(606);
  });
});

describe('what says nothing about a page', () => {
  it.each([...rows('transient'), ...rows('wait')])('row %s: %s at %s changes no condition of it', async (_row, _key, operation, row) => {
    const page = await settledPage();
    const [status, writes] = [world.page(page.name).status, world.pages.statusWrites.length];
    const since = world.lastCall;
    const fault = world.sim.control.addFault({ ...TARGETS[operation], effect: effectOf(sampleOf(row, operation)) });
    await world.until(() => fault.used >= 1, HOUR_MS, 100);
    const next = await secondsToNext(operation, since);

    if (row.disposition === 'transient') expect(next).toBeLessThanOrEqual(2);
    else expect(next).toBeGreaterThanOrEqual(300);
    expect(next).toBeLessThanOrEqual(306);
    // The name of the Page comes with its first drift check, which this is.
    expect({ ...world.page(page.name).status, pageName: undefined }).toEqual({ ...status, pageName: undefined });
    expect(world.pages.statusWrites).toHaveLength(writes);
    expect(world.told(page.name).filter(({ type }) => type === 'Warning')).toEqual([]);
    expect(world.appCondition('GraphReachable')?.status).toBe(row.scope === 'app' ? 'False' : 'True');
  });
});

describe('what is only about the credentials of the app', () => {
  it.each(rows('app-credential'))('row %s: %s at %s is said at the app', async (_row, _key, operation, row) => {
    const page = await settledPage();
    const [status, writes] = [world.page(page.name).status, world.pages.statusWrites.length];
    const effect = effectOf(sampleOf(row, operation));
    world.sim.control.addFault({ ...(row.on === undefined ? {} : { operation: 'subscriptions' }), effect });
    await world.until(() => world.appCondition('CredentialsValid')?.status === 'False', HOUR_MS);
    const since = world.lastCall;
    await world.clock.advance(45 * MINUTE_MS);

    expect(APP_REASONS.CredentialsValid).toContain(row.reason);
    expect(world.appCondition('CredentialsValid')).toMatchObject({ status: 'False', reason: row.reason });
    expect(world.appCondition('CredentialsValid')?.message).toContain(row.fix);
    expect(world.told('main').map(({ type, reason }) => `${type} ${reason}`)).toEqual([`Warning ${row.reason}`]);
    expect(world.calls(since).filter(({ pageId }) => pageId !== undefined)).toEqual([]);
    expect(world.calls(since).length).toBeLessThanOrEqual(4);
    expect({ ...world.page(page.name).status, pageName: undefined }).toEqual({ ...status, pageName: undefined });
    expect(world.pages.statusWrites.length - writes).toBeLessThanOrEqual(1);
    expect(world.told(page.name).filter(({ type }) => type === 'Warning')).toEqual([]);

    world.sim.control.removeFault();
    await world.until(() => world.appCondition('CredentialsValid')?.status === 'True', 2 * HOUR_MS);
    expect(world.ready(page.name)).toBe('True');
  });
});

describe('the reasons of the catalogue', () => {
  const documented = ['messenger-page', 'messenger-app']
    .map((name) => readFileSync(`docs/spec/${name}.md`, 'utf8').split('\n## Reasons\n')[1] ?? '')
    .join('\n');

  it.each([...new Set(ERROR_CATALOGUE.map(({ reason }) => reason))])('%s has its entry in the tables of reasons', (reason) => {
    expect(documented).toContain(`| \`${reason}\``);
  });
});
