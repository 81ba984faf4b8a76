// Where the story is told: the simulator and two real Bottender bots are the same in both worlds; the operator runs either
// standalone, from a folder of manifests, or as its three roles against a real API server (CLUSTER=1).
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startClusterOperator } from './cluster.mjs';
import { APP, BOTS, FIELDS, NAMESPACE, PAGES, pageManifest, SIGNING_SECRET, tokenSecret } from './manifests.mjs';
import { MAIN } from './operator.mjs';
import { freePorts, Processes, until } from './processes.mjs';
import { SimulatorRecords } from './simulator.mjs';
import { startStandaloneOperator } from './standalone.mjs';

const BOT_FOLDER = fileURLToPath(new URL('../../examples/bottender', import.meta.url));

export async function startWorld({ folder, broken, cluster, say, step }) {
  step(
    1,
    `Start a Graph simulator, two Bottender bots and the operator (${cluster ? 'three roles on a real API server' : 'standalone, no cluster'})`,
  );
  const processes = new Processes(folder);
  const [simPort, webhookPort, apiPort, adminPort, adminPort2, adminPort3, ...botPorts] = await freePorts(6 + BOTS.length);
  const simUrl = `http://127.0.0.1:${simPort}`;
  const webhookUrl = `http://127.0.0.1:${webhookPort}/webhooks/messenger`;
  processes.start('simulator', [MAIN, 'simulator', '--port', String(simPort)]);
  const sim = new SimulatorRecords(simUrl);
  if ((await until(() => sim.alive(), 10_000)) === undefined) throw new Error(`the simulator did not start: see ${folder}/simulator.log`);
  const tokens = await sim.setUp({ app: APP, pages: PAGES, callbackUrl: webhookUrl, fields: FIELDS });

  const resolver = join(folder, 'service-resolver.json');
  const targets = broken === 'route' ? [...botPorts].reverse() : botPorts;
  writeFileSync(
    resolver,
    JSON.stringify(Object.fromEntries(BOTS.map((bot, i) => [`${NAMESPACE}/${bot}:5000`, `127.0.0.1:${targets[i]}`]))),
  );

  const context = {
    folder,
    broken,
    processes,
    simUrl,
    resolver,
    ports: { webhookPort, apiPort, adminPorts: [adminPort, adminPort2, adminPort3] },
    say,
  };
  const operator = cluster ? await startClusterOperator(context) : await startStandaloneOperator(context);

  const recordFiles = {};
  BOTS.forEach((bot, i) => {
    recordFiles[bot] = join(folder, `${bot}.jsonl`);
    processes.start(bot, ['server.js'], {
      cwd: BOT_FOLDER,
      env: {
        BOT_NAME: bot,
        BOT_RECORD: recordFiles[bot],
        PORT: String(botPorts[i]),
        MESSENGER_APP_ID: APP.id,
        MESSENGER_VERIFY_TOKEN: APP.verifyToken,
        MESSENGER_APP_SECRET: broken === 'sign' ? '0'.repeat(32) : SIGNING_SECRET,
        GRAPH_ORIGIN: simUrl,
        PAGES_API_URL: operator.pagesApiUrl,
        PAGES_API_KEY_FILE: operator.botKeyFiles[bot],
        ...operator.botEnv,
      },
    });
  });
  await Promise.all(botPorts.map((port) => until(() => fetch(`http://127.0.0.1:${port}/`), 15_000)));
  say(`     simulator ${simUrl} · webhook ${webhookUrl} · bots on ports ${botPorts.join(' and ')}`);

  const pagesJson = async () => JSON.parse((await operator.cli(['get', 'pages', '-A', '-o', 'json'])).stdout).items;
  const pageJson = async ({ name }) => (await pagesJson()).find((page) => page.metadata.name === name);
  const ready = (page) => page?.status?.conditions?.find(({ type }) => type === 'Ready');

  return {
    tokens,
    facts: { sim, pages: PAGES, recordFiles, tokenOf: (pageId) => sim.currentToken(pageId) },
    sim: {
      send: (post) => sim.send(APP.id, post),
      setFields: (pageId, fields) => sim.setFields(APP.id, pageId, fields),
      revoke: (page) => sim.revoke(page),
      newToken: (page) => sim.newToken(page),
    },
    apply: (name, objects, options) => operator.apply(name, objects, options),
    async applyAll() {
      await operator.applyShared();
      for (const page of PAGES) await operator.apply(`${page.name}-token`, [tokenSecret(page, tokens.get(page.name))]);
      for (const page of PAGES) await operator.apply(page.name, [pageManifest(page)]);
    },
    remove: (page) => operator.remove(page),
    getPages: async () => (await operator.cli(['get', 'pages', '-n', NAMESPACE])).stdout,
    readyOf: async (pages) => Promise.all(pages.map(async (page) => ready(await pageJson(page))?.status)),
    reasonOf: async (page) => ready(await pageJson(page))?.reason,
    messageOf: async (page) => `${page.pageName}: ${ready(await pageJson(page))?.message ?? ''}`,
    neverRestarted: () => operator.processNames.every((name) => processes.running(name)),
    playWith: () => operator.playWith({ simUrl, folder }),
    async stop() {
      await processes.stopAll();
      await operator.stop?.();
    },
  };
}
