import { readFileSync } from 'node:fs';
import { describe } from '@jest/globals';
import { openKubeCluster } from '../../src/app/open-kube-cluster.js';
import { openContext } from '../../src/app/context.js';
import { KINDS } from '../../src/api/kinds.js';
import { KubeCluster } from '../../src/k8s/kube-cluster.js';
import { loadKubeClient } from '../../src/k8s/kube-client.js';
import { systemClock } from '../../src/kit/clock.js';
import { silentLogger } from '../../src/kit/log.js';
import { startControlPlane } from '../support/control-plane.js';
import { ApiStatusError, type KubeObject } from '../support/control-plane-client.js';
import { eventually } from '../support/eventually.js';
import { contract } from './contract.js';
import { WIDGET_CRD, WIDGET_INDEXES, WIDGETS } from './widgets.js';
import { NAMESPACE } from './manifests.js';
import { Discard } from './discard.js';
import type { World } from './world.js';

async function openApiServer(): Promise<World> {
  const plane = await startControlPlane();
  const crds = [...KINDS.map(({ crd }) => `crds/${crd}`), WIDGET_CRD];
  for (const file of crds) await plane.admin.applyYaml(readFileSync(file, 'utf8'));
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
  const ofWidgets = new KubeCluster({
    ...{ client: loadKubeClient({ kubeconfig: plane.adminKubeconfig, clock: systemClock }), clock: systemClock, log: silentLogger },
    ...{ role: 'controller', watchNamespaces: [], secretGraceMs: 600_000, kinds: [WIDGETS], indexes: WIDGET_INDEXES },
    lead: { elect: false, namespace: NAMESPACE, leaseName: 'widgets', identity: 'widgets' },
  });
  const clusters = [cluster, ofPagesApi, ofWidgets];
  for (const one of clusters) one.start(life.signal);
  await eventually(() => clusters.every((one) => one.unsynced().length === 0), 20_000);
  return {
    cluster,
    configMaps,
    widgets: ofWidgets.kind(WIDGETS),
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
