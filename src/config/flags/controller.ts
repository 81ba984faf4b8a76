import { flag, optionalFlag } from '../flag.js';
import { boolean, duration, integer, serviceAccount, text, url } from '../value-types.js';

const CONTROLLER = ['controller', 'standalone'] as const;

/** Flags of the reconciling part. */
export const CONTROLLER_FLAGS = {
  leaderElect: flag(boolean, 'true', {
    name: 'leader-elect',
    commands: ['controller', 'release'],
    group: 'Reconciling',
    about:
      'Write only while holding the Lease. Turn it off only for a single replica on a laptop; for release, only if you know that no controller runs.',
  }),
  leaseNamespace: optionalFlag(text('NAMESPACE', /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, 'the name of a namespace'), {
    name: 'lease-namespace',
    commands: ['controller', 'release'],
    group: 'Reconciling',
    about:
      "Namespace of the Lease, and of Events whose own namespace is being deleted. Default: the Pod's namespace, else that of the kubeconfig's context; release searches for the Lease.",
  }),
  webhookServiceAccount: optionalFlag(serviceAccount, {
    name: 'webhook-service-account',
    commands: ['controller'],
    group: 'Reconciling',
    about:
      'ServiceAccount of the webhook, as NAMESPACE:NAME. The controller then reports Secrets that the webhook needs and may not read. Default: not checked.',
  }),
  pagesApiServiceAccount: optionalFlag(serviceAccount, {
    name: 'pages-api-service-account',
    commands: ['controller'],
    group: 'Reconciling',
    about:
      'ServiceAccount of the Pages API, as NAMESPACE:NAME. The controller then reports page tokens that the Pages API may not read. Default: not checked.',
  }),
  workers: flag(integer(1, 256), '16', {
    name: 'workers',
    commands: CONTROLLER,
    group: 'Reconciling',
    about: 'Number of pages reconciled at the same time. Pages that wait for Graph do not count.',
  }),
  intervalMs: flag(duration('1s', '24h'), '30m', {
    name: 'interval',
    commands: CONTROLLER,
    group: 'Reconciling',
    about: 'How often a page is compared with Graph if nothing changes. spec.interval of a page overrides it.',
  }),
  minIntervalMs: flag(duration('1s', '24h'), '5m', {
    name: 'min-interval',
    commands: CONTROLLER,
    group: 'Reconciling',
    about: 'Lower limit for the interval of every page, including spec.interval.',
  }),
  tokenCheckIntervalMs: flag(duration('1s', '168h'), '12h', {
    name: 'token-check-interval',
    commands: CONTROLLER,
    group: 'Reconciling',
    about: 'How often an unchanged page token is checked at Graph.',
  }),
  deletionTimeoutMs: flag(duration('1s', '24h'), '10m', {
    name: 'deletion-timeout',
    commands: CONTROLLER,
    group: 'Reconciling',
    about: 'How long a deleted page waits for Graph. Then it is released with the Event LeftSubscribed.',
  }),
  secretGraceMs: flag(duration('0s', '24h'), '10m', {
    name: 'secret-grace',
    commands: ['controller', 'webhook', 'pages-api', 'standalone'],
    group: 'Reconciling',
    about: 'How long the last good value of a deleted Secret stays in use.',
  }),
  readOnly: flag(boolean, 'false', {
    name: 'read-only',
    commands: CONTROLLER,
    group: 'Reconciling',
    about: 'Change nothing at Graph. The conditions say what would change.',
  }),
  graphUrl: flag(url('https', 'http'), 'https://graph.facebook.com', {
    name: 'graph-url',
    commands: ['controller', 'pages-api', 'standalone', 'release'],
    group: 'Graph API',
    about: 'Base URL of the Graph API. Change it only for the simulator or an egress proxy.',
  }),
  graphVersion: flag(text('VERSION', /^v\d{1,3}\.\d{1,2}$/, 'a version such as v25.0'), 'v25.0', {
    name: 'graph-version',
    commands: ['controller', 'pages-api', 'standalone', 'release'],
    group: 'Graph API',
    about: 'Version of the Graph API for apps that do not set spec.graph.version.',
  }),
};
