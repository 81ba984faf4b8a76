import { mkdtempSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe } from '@jest/globals';
import { KINDS } from '../../src/api/kinds.js';
import { FolderCluster } from '../../src/folder/folder-cluster.js';
import { INDEXES } from '../../src/controller/indexes.js';
import { systemClock } from '../../src/kit/clock.js';
import { silentLogger } from '../../src/kit/log.js';
import { problemText, type Problem } from '../../src/folder/problem.js';
import { eventually } from '../support/eventually.js';
import { contract } from './contract.js';
import { WIDGET_INDEXES, WIDGETS } from './widgets.js';
import type { Manifest, World } from './world.js';

async function openFolder(): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), 'messenger-operator-contract-'));
  const [manifests, stateDir] = [join(folder, 'manifests'), join(folder, 'state')];
  mkdirSync(manifests);
  const config = {
    ...{ manifests, stateDir, watchNamespaces: [], allowMassDelete: true },
    ...{ rescanMs: 100, deletionConfirmMs: 0, secretGraceMs: 600_000 },
  };
  const kinds = [WIDGETS, ...KINDS];
  const cluster = new FolderCluster({ config, clock: systemClock, log: silentLogger, kinds, indexes: { ...INDEXES, ...WIDGET_INDEXES } });
  const life = new AbortController();
  const pathOf = ({ kind, metadata }: Manifest): string => join(manifests, `${kind}-${metadata.name}.yaml`);
  // So that the folder is never empty: an empty one removes nothing.
  writeFileSync(join(manifests, 'anchor.yaml'), '{apiVersion: v1, kind: Namespace, metadata: {name: anchor}}');
  cluster.start(life.signal);
  await eventually(() => cluster.unsynced().length === 0);

  const problemOf = (manifest: Manifest): string | undefined => {
    const problems = JSON.parse(readFileSync(join(stateDir, 'problems.json'), 'utf8')) as readonly Problem[];
    const found = problems.filter(({ file }) => pathOf(manifest).endsWith(file)).map(problemText);
    return found.length === 0 ? undefined : found.join('\n');
  };
  let stamp = 0;
  return {
    cluster,
    configMaps: cluster.configMaps,
    widgets: cluster.kind(WIDGETS),
    apply: async (manifest) => {
      // A second document tells when the file has been read.
      const marker = `marker-${++stamp}`;
      const text = [manifest, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: marker } }]
        .map((one) => JSON.stringify(one))
        .join('\n---\n');
      writeFileSync(join(folder, 'new'), text);
      renameSync(join(folder, 'new'), pathOf(manifest));
      await eventually(() => cluster.namespaces.get({ namespace: '', name: marker }));
      return problemOf(manifest);
    },
    remove: (manifest) => {
      rmSync(pathOf(manifest));
      return Promise.resolve();
    },
    stop: async () => {
      life.abort();
      await cluster.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

describe('a folder of manifests', () => {
  contract(openFolder);
});
