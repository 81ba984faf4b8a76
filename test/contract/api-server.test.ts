import { readFileSync } from 'node:fs';
import { describe } from '@jest/globals';
import { openKubeCluster } from '../../src/app/open-kube-cluster.js';
import { openContext } from '../../src/app/context.js';
import { systemClock } from '../../src/kit/clock.js';
import { startControlPlane } from '../support/control-plane.js';
import { ApiStatusError, type KubeObject } from '../support/control-plane-client.js';
import { eventually } from '../support/eventually.js';
import { contract } from './contract.js';
import { NAMESPACE } from './manifests.js';
import { Discard } from './discard.js';
import type { World } from './world.js';

async function openApiServer(): Promise<World> {
  const plane = await startControlPlane();
  for (const name of ['messengerapps', 'messengerpages']) await plane.admin.applyYaml(readFileSync(`crds/${name}.yaml`, 'utf8'));
  await plane.admin.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } });
  const life = new AbortController();
  const io = {
    stdout: new Discard(),
    stderr: new Discard(),
    clock: systemClock,
    signal: life.signal,
    version: 'test',
    onCrash: () => undefined,
  };
  const config = { kubeconfig: plane.adminKubeconfig, watchNamespaces: [], secretGraceMs: 600_000 };
  const context = (): ReturnType<typeof openContext> => openContext({ logLevel: 'error', logFormat: 'json' }, io);
  const { cluster } = openKubeCluster('controller', config, context(), {
    leaderElect: true,
    leaseNamespace: NAMESPACE,
    className: '',
  });
  const { cluster: ofPagesApi } = openKubeCluster('pages-api', config, context());
  const { configMaps } = ofPagesApi;
  if (configMaps === undefined) throw new Error('the Pages API knows no ConfigMaps');
  const clusters = [cluster, ofPagesApi];
  for (const one of clusters) one.start(life.signal);
  await eventually(() => clusters.every((one) => one.unsynced().length === 0), 20_000);
  return {
    cluster,
    configMaps,
    apply: async (manifest) => {
      try {
        await plane.admin.apply(manifest as unknown as KubeObject);
        return undefined;
      } catch (error) {
        if (error instanceof ApiStatusError && error.status === 422) return error.message;
        throw error;
      }
    },
    remove: async (manifest) => {
      await plane.admin.delete(await plane.admin.pathOf(manifest as unknown as KubeObject));
    },
    stop: async () => {
      life.abort();
      await Promise.all(clusters.map((one) => one.close()));
      await plane.stop();
    },
  };
}

describe('the API server', () => {
  contract(openApiServer);
});
