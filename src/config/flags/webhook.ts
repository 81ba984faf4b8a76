import { flag, optionalFlag } from '../flag.js';
import { duration, file, integer, list, oneOf, port, size, text, url } from '../value-types.js';

const WEBHOOK = ['webhook', 'standalone'] as const;

/** Flags of the part that receives from Meta and delivers to bots. */
export const WEBHOOK_FLAGS = {
  webhookPort: flag(port, '8080', {
    name: 'webhook-port',
    commands: WEBHOOK,
    group: 'Webhook',
    about: 'Port that Meta, or the proxy in front, sends requests to.',
  }),
  tlsCert: optionalFlag(file, {
    name: 'tls-cert',
    commands: WEBHOOK,
    group: 'Webhook',
    about:
      'PEM certificate chain of the webhook listener. Reloaded when the file changes. If not set: plain HTTP, for use behind a proxy that terminates TLS.',
  }),
  tlsKey: optionalFlag(file, { name: 'tls-key', commands: WEBHOOK, group: 'Webhook', about: 'PEM private key for --tls-cert.' }),
  maxBodyBytes: flag(size('1KiB', '64MiB'), '8MiB', {
    name: 'max-body-bytes',
    commands: WEBHOOK,
    group: 'Webhook',
    about: 'Largest request body. A larger one is answered with 413.',
  }),
  webhookSecretNamespaces: flag(list('NAMESPACE,…', /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, 'names of namespaces'), '', {
    name: 'webhook-secret-namespaces',
    commands: ['webhook'],
    group: 'Scope',
    about:
      'Namespaces whose Secrets are listed and watched. A Secret elsewhere is read by name, again and again. Empty: the namespaces in which MessengerApps are watched.',
  }),
  maxInFlight: flag(integer(1, 100_000), '1024', {
    name: 'max-in-flight',
    commands: WEBHOOK,
    group: 'Webhook',
    about: 'Largest number of requests in progress. Further ones are answered with 503, and Meta retries them.',
  }),
  drainTimeoutMs: flag(duration('0s', '10m'), '25s', {
    name: 'drain-timeout',
    commands: ['webhook', 'pages-api', 'standalone'],
    group: 'Process',
    about: 'How long requests in progress may take to finish when the process stops.',
  }),
  delivery: flag(oneOf('direct', 'durable'), 'direct', {
    name: 'delivery',
    commands: WEBHOOK,
    group: 'Delivery to bots',
    about:
      'direct: Meta gets its answer once the bots have answered. durable: once NATS JetStream has stored the events (not in this version).',
  }),
  giveUpMs: flag(duration('1s', '55m'), '20m', {
    name: 'direct-give-up',
    commands: WEBHOOK,
    group: 'Delivery to bots',
    about:
      'How long an event is retried while its bot is unavailable, counted from when Meta first sent it. Then it is dropped, because Meta unsubscribes an app if one notification fails for an hour.',
  }),
  dedupeWindowMs: flag(duration('0s', '24h'), '30m', {
    name: 'dedupe-window',
    commands: WEBHOOK,
    group: 'Delivery to bots',
    about: 'How long an accepted event is remembered, so that a repeat is not delivered twice. At least --direct-give-up plus 10 minutes.',
  }),
  backendAllow: flag(list('RANGE,…', /^[0-9A-Za-z:.*/-]{1,253}$/, 'address ranges such as 10.0.0.0/8 or host names'), '', {
    name: 'backend-allow',
    commands: ['controller', 'webhook', 'standalone'],
    group: 'Delivery to bots',
    about: 'Private addresses that a backend.url may resolve to: addresses, ranges such as 10.0.0.0/8, host names, *.suffix.',
  }),
  clusterDomain: flag(text('DOMAIN', /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/, 'a DNS domain'), 'cluster.local', {
    name: 'cluster-domain',
    commands: WEBHOOK,
    group: 'Delivery to bots',
    about: 'DNS domain of the cluster. A Service has the name NAME.NAMESPACE.svc.DOMAIN.',
  }),
  natsUrl: optionalFlag(url('nats', 'tls', 'ws', 'wss'), {
    name: 'nats-url',
    commands: WEBHOOK,
    group: 'Delivery to bots',
    about: 'NATS server for durable delivery (not in this version).',
    notYet: true,
  }),
  natsCreds: optionalFlag(file, {
    name: 'nats-creds',
    commands: WEBHOOK,
    group: 'Delivery to bots',
    about: 'NATS credentials file (not in this version).',
    notYet: true,
  }),
  natsCa: optionalFlag(file, {
    name: 'nats-ca',
    commands: WEBHOOK,
    group: 'Delivery to bots',
    about: 'PEM certificates of the authorities that the NATS server must be signed by (not in this version).',
    notYet: true,
  }),
};
