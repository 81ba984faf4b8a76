import type { ApiAccess } from './control-plane-client.js';

/** What goes into a kubeconfig; `user` is written as it is. */
export interface KubeconfigParts {
  readonly server: URL;
  /** PEM; undefined means the machine's own roots. */
  readonly ca: string | undefined;
  readonly user: Readonly<Record<string, unknown>>;
  readonly namespace?: string;
}

/** A kubeconfig with one cluster, user and context. It is JSON, and so YAML too. */
export function kubeconfigText({ server, ca, user, namespace }: KubeconfigParts): string {
  const authority = ca === undefined ? {} : { 'certificate-authority-data': toBase64(ca) };
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'test',
    clusters: [{ name: 'test', cluster: { server: server.origin, ...authority } }],
    users: [{ name: 'test', user }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test', ...(namespace === undefined ? {} : { namespace }) } }],
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}

interface FlatKubeconfig {
  readonly clusters: readonly { readonly cluster: Readonly<Record<string, string | undefined>> }[];
  readonly users: readonly { readonly user: Readonly<Record<string, string | undefined>> }[];
}

/**
 * Reads what `kubectl config view --raw --minify --flatten -o json` printed.
 * @throws for credentials other than a token or a client certificate.
 */
export function readKubeconfig(text: string): ApiAccess {
  const { clusters, users } = JSON.parse(text) as FlatKubeconfig;
  const cluster = clusters[0]?.cluster ?? {};
  const user = users[0]?.user ?? {};
  const access = {
    server: new URL(cluster['server'] ?? ''),
    ca: fromBase64(cluster['certificate-authority-data']),
    token: user['token'],
    cert: fromBase64(user['client-certificate-data']),
    key: fromBase64(user['client-key-data']),
  };
  if (access.token === undefined && access.key === undefined) {
    throw new Error('the kubeconfig of TEST_KUBECONFIG has neither a token nor a client certificate: the tests need one of them');
  }
  return access;
}

const toBase64 = (text: string): string => Buffer.from(text).toString('base64');
const fromBase64 = (text: string | undefined): string | undefined =>
  text === undefined ? undefined : Buffer.from(text, 'base64').toString();
