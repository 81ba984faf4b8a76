import { writeFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startSimulator, type RunningSimulator } from '../../src/simulator/simulator.js';
import { RecordingBot } from '../support/bot-server.js';
import { eventually } from '../support/eventually.js';
import { AWKWARD_IN_BEARER, findLeaks, formsOf, newCanary, type Canary, type Specimen } from '../support/leak-search.js';
import * as paths from '../support/leak-paths.js';
import { ROLES } from '../support/operator.js';
import { RELEASE } from '../support/operator-chart.js';
import { grantClusterRole, secret, service, type Manifest } from '../support/page-manifests.js';
import { NAMESPACE, PageWorld, tell } from '../support/page-world.js';
import { Standalone } from '../support/standalone.js';

describe('the search for leaks', () => {
  const canary = newCanary('canary');

  it('has values of 40 characters that every encoding changes', () => {
    expect(canary.value).toHaveLength(40);
    const changed = [...formsOf(canary.value)].filter(([form]) => !['raw', 'its plain part'].includes(form));
    expect(changed.filter(([, text]) => text === canary.value)).toEqual([]);
  });

  it.each([
    ['as it is', (value: string) => value],
    ['in a URL', (value: string) => `?access_token=${encodeURIComponent(value)}&x`],
    ['in JSON', (value: string) => JSON.stringify({ token: value })],
    ['in JSON within JSON', (value: string) => JSON.stringify({ body: JSON.stringify({ token: value }) })],
    ['in base64', (value: string) => Buffer.from(value).toString('base64')],
    ['in base64 of a longer text', (value: string) => Buffer.from(`x${value}yz`).toString('base64')],
    ['in base64 of JSON with an odd beginning', (value: string) => Buffer.from(`{"${value}`).toString('base64url')],
    ['cut off', (value: string) => value.slice(0, -4)],
  ])('finds one %s', (_where, hide) => {
    expect(findLeaks([{ from: 'a log', text: `before ${hide(canary.value)} after` }], [canary])).not.toEqual([]);
  });

  it('finds nothing where nothing is', () => {
    expect(findLeaks([{ from: 'a log', text: `[redacted] ${newCanary('other').value}` }], [canary])).toEqual([]);
  });
});

/**
 * A module for `node --import`: rejects without a handler with `known` in the text, or writes `all`
 * past the log.
 */
async function badModule(folder: string, known: readonly Canary[], all: readonly Canary[]): Promise<string> {
  const file = join(folder, 'bad.mjs');
  const text = (canaries: readonly Canary[]): string => JSON.stringify(canaries.map(({ value }) => value).join(' '));
  await writeFile(
    file,
    `process.on('SIGUSR2', () => void Promise.reject(new Error('on purpose ' + ${text(known)}, { cause: { config: { headers: ${text(known)} } } })));
process.on('SIGHUP', () => process.stdout.write(${text(all)} + '\\n'));\n`,
  );
  return file;
}

describe('standalone with every secret set and every failure met', () => {
  const canaries = paths.newCanaries();
  const botKey = newCanary('bot key', AWKWARD_IN_BEARER);
  const all = [...Object.values(canaries), botKey];
  // Nobody can take out of a text what he has never taken for a secret.
  const known = all.filter(({ name }) => !/malformed|stranger/.test(name));
  const key: Manifest = {
    ...secret({ name: 'bot-key', namespace: NAMESPACE }, { key: botKey.value, pages: 'bot=canary' }),
    type: 'messenger-operator.dev/bot-key',
  };
  const specimens: Specimen[] = [];
  let folder: string;
  let sim: RunningSimulator;
  let bot: RecordingBot;
  let operator: Standalone;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'leak-'));
    [sim, bot] = await Promise.all([startSimulator(), RecordingBot.start(canaries.signingSecret.value)]);
    const services = { [`${NAMESPACE}/clinic-bot:5000`]: bot.port };
    const manifests = [service({ name: 'clinic-bot', namespace: NAMESPACE })];
    const nodeArgs = ['--import', await badModule(folder, known, all)];
    operator = await Standalone.start({ sim, services, manifests, nodeArgs });
    paths.makeAtFacebook(sim, canaries, operator.webhookUrl);
  }, 180_000);

  afterAll(async () => {
    await operator.stop();
    await Promise.all([sim.stop(), bot.stop(), rm(folder, { recursive: true, force: true })]);
  }, 30_000);

  const status = async (): Promise<string> => (await operator.state()).replaceAll(/\s+/g, '');

  it('serves the page', async () => {
    await operator.apply('canary', [...paths.canaryManifests(canaries), key]);

    await eventually(async () => sim.control.fields(paths.APP_ID, paths.PAGE_ID) !== undefined);
    const authorization = `Bearer ${botKey.value}`;
    const url = `${operator.pagesApiUrl}/v1/pages/${paths.PAGE_ID}`;
    const token = await eventually(async () => {
      const response = await fetch(`${url}/token`, { headers: { authorization } });
      return response.ok ? ((await response.json()) as { access_token: string }).access_token : undefined;
    });
    expect(token).toBe(canaries.pageToken.value);
    specimens.push(await paths.answerTo(new Request(url, { headers: { authorization } }), 'page'));
  });

  it('meets every failure of Graph', async () => {
    const faults = [...paths.appFailures(canaries), ...paths.graphFailures(canaries)];
    const met = await paths.meetEach(sim, faults, async (turn) => {
      await operator.apply('canary', [...paths.canaryManifests(canaries, turn), key]);
    });
    tell(`standalone met ${met} failures of Graph`);
  }, 120_000);

  it('meets rude bots and strangers, a rotation and a crash', async () => {
    await paths.beRude(sim, bot, canaries);
    for (const sign of ['wrong', 'none', 'reserialized'] as const) {
      await sim.control.sendEvents(paths.APP_ID, [{ pageId: paths.PAGE_ID }], { force: true, retry: false, sign });
    }
    specimens.push(...(await paths.knock(operator.webhookUrl, operator.pagesApiUrl, canaries)));
    await operator.apply('canary', [...paths.canaryManifests({ ...canaries, pageToken: canaries.nextPageToken }), key]);
    await eventually(() => sim.control.calls().some(({ params }) => params['input_token'] === 'canary-next'), 30_000);
    const metrics = await (await fetch(`${operator.adminUrl}/metrics`)).text();
    expect(metrics).toContain('messenger_');
    specimens.push({ from: 'metrics', text: metrics });
    specimens.push({ from: 'debug', text: await (await fetch(`${operator.adminUrl}/debug/pages`)).text() });
    await eventually(async () => /malformed/.test(await status()));
    sim.control.addFault(paths.lastFailure(canaries));
    await eventually(async () => (await status()).includes('AppSecretInvalid'), 20_000);
    operator.process.signal('SIGUSR2');
    await eventually(() => !operator.process.running);
  }, 60_000);

  it('has leaked nothing', async () => {
    const output = await operator.output();
    expect(output).toMatch(/nothing handled/);
    expect(output.length).toBeGreaterThan(5_000);
    expect(bot.received.length).toBeGreaterThan(4);
    specimens.push({ from: 'output', text: output }, { from: 'state folder', text: await operator.state() });
    specimens.push(
      ...bot.received.map((seen) => ({ from: 'request to a bot', text: `${seen.path} ${JSON.stringify(seen.headers)} ${seen.body}` })),
    );
    tell(`searched ${specimens.reduce((sum, { text }) => sum + text.length, 0)} characters for ${all.length} secrets (standalone)`);

    expect(findLeaks(specimens, all)).toEqual([]);
  });

  it('would have shown a leak: a line that is written past the log is found', async () => {
    const careless = await Standalone.start({
      sim,
      services: {},
      manifests: [service({ name: 'clinic-bot', namespace: NAMESPACE })],
      nodeArgs: ['--import', join(folder, 'bad.mjs')],
    });
    careless.process.signal('SIGHUP');

    const leaks = await eventually(async () => {
      const found = findLeaks([{ from: 'output', text: await careless.output() }], all);
      return found.length > 0 ? found : undefined;
    });
    await careless.stop();

    for (const { name } of all) expect(leaks.join('\n')).toContain(`output: ${name}, raw`);
  });
});

describe('three roles on a real API server with every secret set and every failure met', () => {
  const canaries = paths.newCanaries();
  const all: Canary[] = Object.values(canaries);
  const specimens: Specimen[] = [];
  let world: PageWorld;
  let bot: RecordingBot;

  beforeAll(async () => {
    bot = await RecordingBot.start(canaries.signingSecret.value);
    const services = { [`${NAMESPACE}/clinic-bot:5000`]: bot.port };
    world = await PageWorld.start({ services, flags: { controller: ['--secret-grace', '2s'] } });
    paths.makeAtFacebook(world.sim, canaries, world.operator.webhookUrl);
    const botAccount: Manifest = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'bot', namespace: NAMESPACE } };
    await world.apply(botAccount, grantClusterRole({ name: 'bot', namespace: NAMESPACE }, `${RELEASE}-bot`, `${NAMESPACE}:bot`));
  }, 180_000);

  afterAll(async () => {
    await world.stop();
    await bot.stop();
  }, 60_000);

  it('serves the page', async () => {
    // By kubectl, whose annotation holds all of a Secret once more.
    await world.kubectl(['apply', '-f', '-'], paths.canaryManifests(canaries));
    await world.condition(paths.page, 'Ready', { status: 'True' });
    const account = await world.cluster.requestToken(NAMESPACE, 'bot', { audiences: ['messenger-operator'] });
    all.push({ name: 'ServiceAccount token', value: account });
    const authorization = `Bearer ${account}`;
    const url = `${world.operator.pagesApiUrl}/v1/pages/${paths.PAGE_ID}`;
    await eventually(async () => (await fetch(`${url}/token`, { headers: { authorization } })).ok);
    specimens.push(await paths.answerTo(new Request(url, { headers: { authorization } }), 'page'));
    await world.condition({ ...paths.page, name: 'malformed' }, 'TokenValid', { status: 'False', reason: 'TokenMalformed' });
    await eventually(async () =>
      JSON.stringify(await world.appObject({ name: 'malformed', namespace: NAMESPACE })).includes('SecretMalformed'),
    );
  }, 60_000);

  it('meets every failure of Graph, rude bots and strangers, and a rotation', async () => {
    const faults = [...paths.appFailures(canaries), ...paths.graphFailures(canaries)];
    const provoke = async (turn: number): Promise<void> => {
      await world.patchApp(paths.app, paths.appChange(turn));
      await world.patchPage(paths.page, paths.pageChange(turn));
    };
    const met = await paths.meetEach(world.sim, faults, provoke);
    await paths.beRude(world.sim, bot, canaries);
    specimens.push(...(await paths.knock(world.operator.webhookUrl, world.operator.pagesApiUrl, canaries)));
    await world.kubectl(['apply', '-f', '-'], [paths.tokenManifest(canaries.nextPageToken)]);
    await eventually(() => world.sim.control.calls().some(({ params }) => params['input_token'] === 'canary-next'), 30_000);
    await world.kubectl(['delete', 'secret', 'canary-token', '-n', NAMESPACE]);
    await eventually(async () => JSON.stringify(await world.page(paths.page)).includes('SecretNotFound'), 20_000);
    world.sim.control.addFault(paths.lastFailure(canaries));
    await eventually(async () => JSON.stringify(await world.appObject(paths.app)).includes('AppSecretInvalid'), 20_000);
    tell(`three roles met ${met} failures of Graph`);
  }, 150_000);

  it('has leaked nothing', async () => {
    for (const role of ROLES) {
      const output = await world.operator.output(role);
      expect(output.length).toBeGreaterThan(200);
      specimens.push({ from: `output of ${role}`, text: output }, { from: `metrics of ${role}`, text: await world.operator.metrics(role) });
    }
    for (const kind of ['events.events.k8s.io', 'messengerpages', 'messengerapps', 'leases']) {
      const text = await world.kubectl(['get', kind, '-A', '-o', 'json', '--show-managed-fields']);
      specimens.push({ from: kind, text });
    }
    specimens.push(
      ...bot.received.map((seen) => ({ from: 'request to a bot', text: `${seen.path} ${JSON.stringify(seen.headers)} ${seen.body}` })),
    );
    tell(`searched ${specimens.reduce((sum, { text }) => sum + text.length, 0)} characters for ${all.length} secrets (three roles)`);

    expect(findLeaks(specimens, all)).toEqual([]);
  }, 30_000);
});
