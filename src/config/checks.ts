import type { CommandName } from './flag.js';

type Values = Readonly<Record<string, unknown>>;
type Check = (values: Values) => string | undefined;

const together =
  (one: readonly [string, string], other: readonly [string, string]): Check =>
  (values) =>
    (values[one[0]] === undefined) === (values[other[0]] === undefined)
      ? undefined
      : `${one[1]} and ${other[1]} belong together: set both or neither`;

const tlsPair = together(['tlsCert', '--tls-cert'], ['tlsKey', '--tls-key']);
const apiTlsPair = together(['apiTlsCert', '--api-tls-cert'], ['apiTlsKey', '--api-tls-key']);

const apiEncrypted: Check = ({ apiTlsCert, apiTlsKey, apiAllowPlaintext }) =>
  apiTlsCert !== undefined || apiTlsKey !== undefined || apiAllowPlaintext === true
    ? undefined
    : 'the Pages API serves tokens: set --api-tls-cert and --api-tls-key, or allow plain HTTP with --api-allow-plaintext';

const notDurable: Check = ({ delivery }) => (delivery === 'durable' ? '--delivery durable is not in this version: use direct' : undefined);

const intervals: Check = ({ intervalMs, minIntervalMs }) =>
  Number(intervalMs) < Number(minIntervalMs) ? '--interval must not be shorter than --min-interval' : undefined;

const manifests: Check = (values) =>
  values['manifests'] === undefined ? 'standalone needs a folder of manifests: --manifests DIR' : undefined;

const stateDir: Check = (values) => (values['stateDir'] === '' ? '--state-dir must name a folder' : undefined);

const oneScope: Check = ({ namespace, allNamespaces }) =>
  namespace !== undefined && allNamespaces === true ? '--namespace and --all-namespaces cannot be used together' : undefined;

const stopping: Check = ({ stopController, all, unsubscribe, leaderElect }) => {
  if (stopController === undefined) return undefined;
  if (all !== true && unsubscribe !== true)
    return '--stop-controller needs --all or --unsubscribe: nothing else requires the controller to be stopped';
  return leaderElect === true ? undefined : '--stop-controller waits for the Lease and cannot be used with --leader-elect=false';
};

const CHECKS: Readonly<Record<CommandName, readonly Check[]>> = {
  controller: [intervals],
  webhook: [tlsPair, notDurable],
  'pages-api': [apiTlsPair, apiEncrypted],
  standalone: [manifests, stateDir, intervals, tlsPair, apiTlsPair, apiEncrypted, notDurable],
  simulator: [],
  get: [oneScope],
  release: [oneScope, stopping],
};

/** What is wrong with the values taken together, for each of which alone nothing is. */
export function crossProblems(command: CommandName, values: Values): readonly string[] {
  return CHECKS[command].flatMap((check) => check(values) ?? []);
}
