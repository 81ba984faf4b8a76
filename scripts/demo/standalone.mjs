// The operator as one process, from a folder of manifests.
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { appManifests, botKeySecret, BOTS, botServices, NAMESPACE } from './manifests.mjs';
import { controllerFlags, MAIN, newKey, runCli, secretFile } from './operator.mjs';
import { until } from './processes.mjs';

export async function startStandaloneOperator({ folder, broken, processes, simUrl, resolver, ports }) {
  const manifests = join(folder, 'manifests');
  const stateDir = join(folder, 'state');
  mkdirSync(manifests);
  const keys = Object.fromEntries(BOTS.map((bot) => [bot, newKey()]));
  const apply = (name, objects) => {
    // Written aside and renamed, so that the operator never sees half a file.
    const text = objects.map((object) => JSON.stringify(object)).join('\n---\n');
    writeFileSync(join(folder, `${name}.tmp`), `${text}\n`);
    renameSync(join(folder, `${name}.tmp`), join(manifests, `${name}.yaml`));
  };
  apply('services', botServices());
  apply(
    'bot-keys',
    BOTS.map((bot) => botKeySecret(bot, keys[bot])),
  );

  processes.start('operator', [
    MAIN,
    'standalone',
    '--manifests',
    manifests,
    '--state-dir',
    stateDir,
    ...controllerFlags(simUrl, broken),
    '--webhook-port',
    String(ports.webhookPort),
    '--api-port',
    String(ports.apiPort),
    '--api-allow-plaintext',
    '--admin-port',
    String(ports.adminPorts[0]),
    '--service-resolver',
    resolver,
    '--rescan',
    '1s',
    '--deletion-confirm',
    '2s',
  ]);
  const ready = await until(async () => (await fetch(`http://127.0.0.1:${ports.adminPorts[0]}/readyz`)).ok, 15_000);
  if (ready === undefined) throw new Error(`the operator did not become ready: see ${folder}/operator.log`);

  return {
    processNames: ['operator'],
    pagesApiUrl: `http://127.0.0.1:${ports.apiPort}`,
    botKeyFiles: Object.fromEntries(BOTS.map((bot) => [bot, secretFile(folder, `${bot}.key`, keys[bot])])),
    botEnv: {},
    cli: (args) => runCli([...args.filter((arg) => arg !== '-A'), '--state-dir', stateDir]),
    applyShared: async () => apply('app', appManifests()),
    async apply(name, objects, { settle = false } = {}) {
      apply(name, objects);
      if (settle) await until(async () => (await generations(stateDir))[name] === 2, 10_000);
    },
    remove: async ({ name }) => rmSync(join(manifests, `${name}.yaml`)),
    playWith: ({ simUrl: graph }) => `
Left running; press Ctrl-C to stop it. In another terminal:
  node dist/main.js get pages -n ${NAMESPACE} --state-dir ${stateDir}
  node dist/main.js simulator --help                    # make tokens, revoke them, send events (--simulator-url ${graph})
  ls ${manifests}                                       # edit or remove a file and look again
  tail -f ${folder}/operator.log`,
  };
}

/** name → observedGeneration, so that the story can wait until an edit was seen. */
async function generations(stateDir) {
  const { stdout } = await runCli(['get', 'pages', '-o', 'json', '--state-dir', stateDir]);
  return Object.fromEntries(JSON.parse(stdout).items.map(({ metadata, status }) => [metadata.name, status?.observedGeneration]));
}
