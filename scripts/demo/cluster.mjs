// The operator as its three roles against a real API server: the chart rendered by real helm and applied, each role with the
// token of its own ServiceAccount and the RBAC that the chart gives it. Pods do not run here: the same commands run beside.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { prepareApiServer } from './kind.mjs';
import { appManifests, BOTS, botServices, NAMESPACE } from './manifests.mjs';
import { controllerFlags, MAIN, runCli, secretFile } from './operator.mjs';
import { until } from './processes.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const RELEASE = 'messenger-operator';

export async function startClusterOperator({ folder, broken, processes, simUrl, resolver, ports, say }) {
  const removeApiServer = prepareApiServer({ folder, say });
  await import('../ts-hooks.mjs');
  const { startControlPlane } = await import('../../test/support/control-plane.ts');
  const cluster = await startControlPlane({ controllerManager: true });
  const must = async (finished) => {
    const { stdout, stderr, code } = await finished;
    if (code !== 0) throw new Error(`kubectl or helm failed: ${stderr || stdout}`);
    return stdout;
  };
  const kubectlApply = (objects) =>
    must(cluster.kubectl(['apply', '-f', '-'], { stdin: objects.map((object) => JSON.stringify(object)).join('\n---\n') }));

  const namespaces = [RELEASE, NAMESPACE].map((name) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }));
  await kubectlApply(namespaces);
  const rendered = await must(
    cluster.helm([
      'template',
      RELEASE,
      join(root, 'charts/messenger-operator'),
      '-n',
      RELEASE,
      '--set',
      `webhook.secretNamespaces={${NAMESPACE}}`,
    ]),
  );
  await must(cluster.kubectl(['apply', '--server-side', '-f', '-'], { stdin: cluster.managed ? rendered : withoutPods(rendered) }));
  await must(
    cluster.kubectl([
      'wait',
      '--for=condition=Established',
      'crd/messengerapps.messenger-operator.dev',
      'crd/messengerpages.messenger-operator.dev',
      '--timeout=20s',
    ]),
  );
  await kubectlApply(botServices());

  const kubeconfig = (role) => cluster.kubeconfigFor({ serviceAccount: `${RELEASE}-${role}`, namespace: RELEASE });
  const [controller, webhook, pagesApi] = await Promise.all(['controller', 'webhook', 'pages-api'].map(kubeconfig));
  const common = ['--service-resolver', resolver, '--log-format', 'text', '--log-level', 'debug'];
  const [a, b, c] = ports.adminPorts.map(String);
  processes.start('controller', [
    MAIN,
    'controller',
    '--kubeconfig',
    controller,
    '--lease-namespace',
    RELEASE,
    '--admin-port',
    a,
    ...controllerFlags(simUrl, broken),
  ]);
  processes.start('webhook', [
    MAIN,
    'webhook',
    '--kubeconfig',
    webhook,
    '--webhook-port',
    String(ports.webhookPort),
    '--webhook-secret-namespaces',
    NAMESPACE,
    '--admin-port',
    b,
    ...common,
  ]);
  processes.start('pages-api', [
    MAIN,
    'pages-api',
    '--kubeconfig',
    pagesApi,
    '--api-port',
    String(ports.apiPort),
    '--api-allow-plaintext',
    '--admin-port',
    c,
    '--log-format',
    'text',
    '--log-level',
    'debug',
  ]);
  for (const port of ports.adminPorts) {
    if ((await until(async () => (await fetch(`http://127.0.0.1:${port}/readyz`)).ok, 20_000)) === undefined)
      throw new Error(`a role did not become ready: see the logs in ${folder}`);
  }

  // What a platform team gives a bot: a ServiceAccount, and the chart's bot role in the namespace of the pages.
  await kubectlApply(
    BOTS.flatMap((name) => [
      { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace: NAMESPACE } },
      {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'RoleBinding',
        metadata: { name: `${name}-pages`, namespace: NAMESPACE },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: `${RELEASE}-bot` },
        subjects: [{ kind: 'ServiceAccount', name, namespace: NAMESPACE }],
      },
    ]),
  );
  const botKeyFiles = {};
  for (const bot of BOTS)
    botKeyFiles[bot] = secretFile(folder, bot, await cluster.requestToken(NAMESPACE, bot, { audiences: ['messenger-operator'] }));
  say(`     API server ${cluster.server} · chart applied · roles run with their ServiceAccounts' tokens`);

  return {
    processNames: ['controller', 'webhook', 'pages-api'],
    pagesApiUrl: `http://127.0.0.1:${ports.apiPort}`,
    botKeyFiles,
    botEnv: {},
    async cli(args) {
      if (args.includes('-o')) return runCli(args, { KUBECONFIG: cluster.adminKubeconfig });
      // For people: kubectl itself, with the columns of the CRD.
      return { stdout: await must(cluster.kubectl(['get', 'mpage', '-n', NAMESPACE])) };
    },
    applyShared: () => kubectlApply(appManifests()),
    async apply(name, objects, { settle = false } = {}) {
      await kubectlApply(objects);
      if (settle)
        await until(
          async () =>
            (await must(cluster.kubectl(['get', 'mpage', name, '-n', NAMESPACE, '-o', 'jsonpath={.status.observedGeneration}']))) === '2',
          10_000,
        );
    },
    remove: ({ name }) => must(cluster.kubectl(['delete', 'mpage', name, '-n', NAMESPACE, '--wait=false'])),
    playWith: ({ simUrl: graph }) => `
Left running; press Ctrl-C to stop it. In another terminal:
  export KUBECONFIG=${cluster.adminKubeconfig}
  kubectl get mpage,mapp -n ${NAMESPACE}; kubectl describe mpage -n ${NAMESPACE}
  node dist/main.js simulator --help                    # make tokens, revoke them, send events (--simulator-url ${graph})
  tail -f ${folder}/controller.log`,
    async stop() {
      await cluster.stop();
      removeApiServer();
    },
  };
}

/** The roles run as processes here, so that no image is needed: where a kubelet is, it gets no Pods. */
function withoutPods(rendered) {
  return rendered
    .split(/^---$/m)
    .filter((document) => !/^kind: Deployment$/m.test(document))
    .join('---');
}
