import { flag, optional } from '../flag.js';
import { boolean, duration, integer, text, url } from '../value-types.js';

const CONTROLLER = ['controller', 'standalone'] as const;

/** Flags of the reconciling part. */
export const CONTROLLER_FLAGS = {
  leaderElect: flag(boolean, 'true', {
    name: 'leader-elect',
    commands: ['controller', 'release'],
    group: 'Reconciling',
    about:
      'Write only while holding the Lease. Turn it off for one replica on a laptop only; for release, if you know that no controller runs.',
  }),
  leaseNamespace: optional(text('NAMESPACE', /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, 'the name of a namespace'), {
    name: 'lease-namespace',
    commands: ['controller', 'release'],
    group: 'Reconciling',
    about:
      "Namespace of the Lease and of Events that find no other place. Default: the Pod's own, else that of the kubeconfig's context; release looks for it.",
  }),
  workers: flag(integer(1, 256), '16', {
    name: 'workers',
    commands: CONTROLLER,
    group: 'Reconciling',
    about: "Pages worked on at the same time; those that wait for Graph's answer are not counted.",
  }),
  intervalMs: flag(duration('1s', '24h'), '30m', {
    name: 'interval',
    commands: CONTROLLER,
    group: 'Reconciling',
    about: 'How often a page is compared with Graph when nothing changed; spec.interval of a page wins.',
  }),
  minIntervalMs: flag(duration('1s', '24h'), '5m', {
    name: 'min-interval',
    commands: CONTROLLER,
    group: 'Reconciling',
    about: 'No page is compared more often than this, whatever it asks for.',
  }),
  tokenCheckIntervalMs: flag(duration('1s', '168h'), '12h', {
    name: 'token-check-interval',
    commands: CONTROLLER,
    group: 'Reconciling',
    about: 'How often an unchanged page token is inspected again.',
  }),
  deletionTimeoutMs: flag(duration('1s', '24h'), '10m', {
    name: 'deletion-timeout',
    commands: CONTROLLER,
    group: 'Reconciling',
    about: 'How long a deleted page waits for Graph to answer before it is released with the event LeftSubscribed.',
  }),
  secretGraceMs: flag(duration('0s', '24h'), '10m', {
    name: 'secret-grace',
    commands: ['controller', 'webhook', 'pages-api', 'standalone'],
    group: 'Reconciling',
    about: 'How long the last good value of a Secret that vanished stays in use.',
  }),
  readOnly: flag(boolean, 'false', {
    name: 'read-only',
    commands: CONTROLLER,
    group: 'Reconciling',
    about: 'Change nothing at Graph, for any page; the conditions say what would be changed.',
  }),
  graphUrl: flag(url('https', 'http'), 'https://graph.facebook.com', {
    name: 'graph-url',
    commands: ['controller', 'pages-api', 'standalone', 'release'],
    group: 'Graph API',
    about: 'Base address of the Graph API. Another one than the default is for the simulator or for an egress proxy.',
  }),
  graphVersion: flag(text('VERSION', /^v\d{1,3}\.\d{1,2}$/, 'a version such as v25.0'), 'v25.0', {
    name: 'graph-version',
    commands: ['controller', 'pages-api', 'standalone', 'release'],
    group: 'Graph API',
    about: "Version of the Graph API where the MessengerApp's spec.graph.version names none.",
  }),
};
