import { flag, optionalFlag } from '../flag.js';
import { file, list, oneOf, port, text } from '../value-types.js';

const ROLES = ['controller', 'webhook', 'pages-api'] as const;
const SERVERS = [...ROLES, 'standalone'] as const;
const DNS_LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

/** Flags of every process. */
export const COMMON_FLAGS = {
  kubeconfig: optionalFlag(file, {
    name: 'kubeconfig',
    commands: [...ROLES, 'get', 'release'],
    group: 'Scope',
    about: 'Kubeconfig file for the API server. If not set: the ServiceAccount of the Pod, else $KUBECONFIG, else ~/.kube/config.',
  }),
  watchNamespaces: flag(list('NAMESPACE,…', DNS_LABEL, 'names of namespaces'), '', {
    name: 'watch-namespaces',
    commands: [...SERVERS, 'release'],
    group: 'Scope',
    about: 'Watch only these namespaces. Empty: all namespaces, which needs cluster-wide rights.',
  }),
  className: flag(text('NAME', /^([a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?)?$/, 'a DNS label or nothing'), '', {
    name: 'class',
    commands: [...SERVERS, 'release'],
    group: 'Scope',
    about: 'Handle only MessengerApps with this spec.className, and their pages. This lets two installs share a cluster.',
  }),
  serviceResolver: optionalFlag(file, {
    name: 'service-resolver',
    commands: SERVERS,
    group: 'Delivery to bots',
    about:
      'YAML or JSON file that maps a backend.service, as NAMESPACE/NAME:PORT, to HOST:PORT, for bots outside a cluster. Loopback addresses are allowed.',
  }),
  bindAddress: flag(
    text('ADDRESS', /^[0-9A-Fa-f:.]{2,45}$/, 'an IP address'),
    { value: '::', of: { standalone: '127.0.0.1', simulator: '127.0.0.1' } },
    {
      name: 'bind-address',
      commands: [...SERVERS, 'simulator'],
      group: 'Process',
      about: 'Address that every listener binds to. :: means all IPv4 and IPv6 addresses.',
    },
  ),
  adminPort: flag(port, '9090', {
    name: 'admin-port',
    commands: SERVERS,
    group: 'Process',
    about: 'Port of /livez, /readyz and /metrics.',
  }),
  logLevel: flag(
    oneOf('error', 'warn', 'info', 'debug'),
    { value: 'info', of: { release: 'warn' } },
    {
      name: 'log-level',
      commands: [...SERVERS, 'simulator', 'release'],
      group: 'Process',
      about: 'Lowest severity to log. Logs go to standard error.',
    },
  ),
  logFormat: flag(
    oneOf('json', 'text'),
    { value: 'json', of: { release: 'text' } },
    {
      name: 'log-format',
      commands: [...SERVERS, 'simulator', 'release'],
      group: 'Process',
      about: 'json prints one JSON object per line, text is for reading.',
    },
  ),
};
