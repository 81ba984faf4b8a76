// crds/*.yaml → the chart's templates, and the chart → deploy/install.yaml
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const HEADER = '# Generated from crds/ by `npm run generate`. Do not edit.\n';

/** A CustomResourceDefinition as a template: installed only if wanted, kept at uninstall. */
export function crdTemplate(text) {
  if (text.includes('{{')) throw new Error('a CRD must not contain "{{": helm would take it for a template');
  const anchor = /^metadata:\n( +)name: (\S+)\n/m;
  if (!anchor.test(text)) throw new Error('a CRD must begin its metadata with its name');
  const named = text.replace(
    anchor,
    (_, indent, name) => `metadata:
${indent}name: ${name}
${indent}annotations:
${indent}  # Deleting a CRD deletes every object of its kind: helm uninstall must not.
${indent}  helm.sh/resource-policy: keep
${indent}labels:
${indent}  {{- include "messenger-operator.labels" . | nindent ${indent.length * 2} }}
`,
  );
  return `${HEADER}{{- if .Values.crds.install }}\n${named.trimEnd()}\n{{- end }}\n`;
}

const INSTALL_HEADER = `# Generated from charts/messenger-operator by \`npm run generate\`. Do not edit.
#
# Installs messenger-operator into the namespace messenger-operator, watching all namespaces:
#
#   kubectl apply --server-side -f deploy/install.yaml
#
# The Pages API serves TLS. Its Pods start once its certificate is there, a Secret of type kubernetes.io/tls
# with tls.crt and tls.key (and ca.crt, which bots check it with), for
# messenger-operator-pages-api.messenger-operator.svc. With cert-manager, or by hand:
#
#   openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 825 -keyout tls.key -out tls.crt \\
#     -subj /CN=messenger-operator-pages-api \\
#     -addext subjectAltName=DNS:messenger-operator-pages-api.messenger-operator.svc
#   kubectl -n messenger-operator create secret generic messenger-operator-pages-api-tls --type=kubernetes.io/tls \\
#     --from-file=tls.crt --from-file=tls.key --from-file=ca.crt=tls.crt
#   kubectl -n messenger-operator create configmap messenger-operator-pages-api-ca --from-file=ca.crt=tls.crt
#
# helm install makes both by itself. Then apply the samples:
#
#   kubectl apply -f deploy/samples/basic
`;

const NAMESPACE = `---
apiVersion: v1
kind: Namespace
metadata:
  name: messenger-operator
  labels:
    pod-security.kubernetes.io/enforce: restricted
`;

/** What \`helm template\` makes of the chart with the values of deploy/install.values.yaml. */
export function installManifest(helm, root) {
  const home = mkdtempSync(join(tmpdir(), 'messenger-operator-helm-'));
  const at = (name) => join(home, name);
  try {
    const rendered = execFileSync(
      helm,
      [
        'template',
        'messenger-operator',
        join(root, 'charts/messenger-operator'),
        '--namespace=messenger-operator',
        // Applied by hand the Job of the uninstall would run at once.
        '--no-hooks',
        '--kube-version=1.34.0',
        `--values=${join(root, 'deploy/install.values.yaml')}`,
      ],
      {
        encoding: 'utf8',
        env: {
          PATH: process.env.PATH,
          HOME: home,
          HELM_CACHE_HOME: at('cache'),
          HELM_CONFIG_HOME: at('config'),
          HELM_DATA_HOME: at('data'),
        },
      },
    );
    return `${INSTALL_HEADER}${NAMESPACE}${withoutBlankLines(rendered)}`;
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

/** Versions of helm differ in the blank lines around documents. */
function withoutBlankLines(text) {
  return `${text
    .replaceAll(/\n\s*\n(?=---\n)/g, '\n')
    .replaceAll(/^\s*\n(?=---\n)/g, '')
    .trimEnd()}\n`;
}
