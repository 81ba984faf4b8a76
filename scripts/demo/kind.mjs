// Which API server the story is told on: TEST_KUBECONFIG's, a kind cluster made for it where Docker and kind are, else
// KUBEBUILDER_ASSETS' or the one that is built from its Go modules, once.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const NAME = 'messenger-operator-demo';
const root = fileURLToPath(new URL('../..', import.meta.url));
const works = (command, args) => spawnSync(command, args, { stdio: 'ignore' }).status === 0;

/** Makes sure that there is an API server to be found by test/support/control-plane.ts. @returns what to do at the end */
export function prepareApiServer({ folder, say }) {
  const given = process.env.TEST_KUBECONFIG ?? process.env.KUBEBUILDER_ASSETS;
  if (given === undefined && works('docker', ['info']) && works('kind', ['version'])) return makeKindCluster({ folder, say });
  const { status } = spawnSync('node', [join(root, 'test/controlplane/build.mjs')], { stdio: ['ignore', 'ignore', 'inherit'] });
  if (status !== 0) throw new Error('there is no API server to tell the story on: see above');
  return () => undefined;
}

function makeKindCluster({ folder, say }) {
  const kubeconfig = join(folder, 'kind.kubeconfig');
  say('     making a kind cluster: a minute or two');
  const made = spawnSync('kind', ['create', 'cluster', '--name', NAME, '--kubeconfig', kubeconfig, '--wait', '120s'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (made.status !== 0) throw new Error('kind could not make a cluster: see above');
  process.env.TEST_KUBECONFIG = kubeconfig;
  return () => spawnSync('kind', ['delete', 'cluster', '--name', NAME], { stdio: 'ignore' });
}
