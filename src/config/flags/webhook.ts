import { flag, optional } from '../flag.js';
import { duration, file, integer, list, oneOf, port, size, text, url } from '../value-types.js';

const WEBHOOK = ['webhook', 'standalone'] as const;

/** Flags of the part that receives from Meta and delivers to bots. */
export const WEBHOOK_FLAGS = {
  webhookPort: flag(port, '8080', {
    name: 'webhook-port',
    commands: WEBHOOK,
    group: 'Webhook',
    about: 'Port that Meta (or the proxy in front) sends to.',
  }),
  tlsCert: optional(file, {
    name: 'tls-cert',
    commands: WEBHOOK,
    group: 'Webhook',
    about: 'PEM certificate chain of the webhook listener; re-read when it changes. Without it: plain HTTP behind a proxy that ends TLS.',
  }),
  tlsKey: optional(file, { name: 'tls-key', commands: WEBHOOK, group: 'Webhook', about: 'PEM private key that belongs to --tls-cert.' }),
  maxBodyBytes: flag(size('1KiB', '64MiB'), '8MiB', {
    name: 'max-body-bytes',
    commands: WEBHOOK,
    group: 'Webhook',
    about: 'Bodies longer than this are answered 413.',
  }),
  webhookSecretNamespaces: flag(list('NAMESPACE,…', /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, 'names of namespaces'), '', {
    name: 'webhook-secret-namespaces',
    commands: ['webhook'],
    group: 'What to watch',
    about:
      'Namespaces whose Secrets may be listed; a Secret elsewhere is read by its name, again and again. Empty: wherever MessengerApps are watched.',
  }),
  maxInFlight: flag(integer(1, 100_000), '1024', {
    name: 'max-in-flight',
    commands: WEBHOOK,
    group: 'Webhook',
    about: "Meta's requests under way at the same time; more are answered 503, and Meta sends them again.",
  }),
  drainTimeoutMs: flag(duration('0s', '10m'), '25s', {
    name: 'drain-timeout',
    commands: ['webhook', 'pages-api', 'standalone'],
    group: 'Process',
    about: 'How long requests under way may take to finish when the process is asked to stop.',
  }),
  delivery: flag(oneOf('direct', 'durable'), 'direct', {
    name: 'delivery',
    commands: WEBHOOK,
    group: 'Delivery to bots',
    about:
      'direct: Meta is answered once the bots have answered. durable: once a NATS JetStream has stored the events (not in this version).',
  }),
  giveUpMs: flag(duration('1s', '55m'), '20m', {
    name: 'direct-give-up',
    commands: WEBHOOK,
    group: 'Delivery to bots',
    about:
      'How long an event of an unavailable bot is refused, counted from when Meta first sent it; Meta unsubscribes an app whose notification fails for an hour.',
  }),
  dedupeWindowMs: flag(duration('0s', '24h'), '30m', {
    name: 'dedupe-window',
    commands: WEBHOOK,
    group: 'Delivery to bots',
    about:
      'How long an accepted event is remembered, so that a repeated one is not delivered twice; never less than --direct-give-up and 10 minutes.',
  }),
  backendAllow: flag(list('RANGE,…', /^[0-9A-Za-z:.*/-]{1,253}$/, 'address ranges such as 10.0.0.0/8 or host names'), '', {
    name: 'backend-allow',
    commands: ['controller', 'webhook', 'standalone'],
    group: 'Delivery to bots',
    about: 'What a backend.url may lead to although it is private: addresses, ranges such as 10.0.0.0/8, host names, *.suffix.',
  }),
  clusterDomain: flag(text('DOMAIN', /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/, 'a DNS domain'), 'cluster.local', {
    name: 'cluster-domain',
    commands: WEBHOOK,
    group: 'Delivery to bots',
    about: "The cluster's DNS domain: a Service is reached as NAME.NAMESPACE.svc.DOMAIN.",
  }),
  natsUrl: optional(url('nats', 'tls', 'ws', 'wss'), {
    name: 'nats-url',
    commands: WEBHOOK,
    group: 'Delivery to bots',
    about: 'NATS server of the durable delivery (not in this version).',
    notYet: true,
  }),
  natsCreds: optional(file, {
    name: 'nats-creds',
    commands: WEBHOOK,
    group: 'Delivery to bots',
    about: 'NATS credentials file (not in this version).',
    notYet: true,
  }),
  natsCa: optional(file, {
    name: 'nats-ca',
    commands: WEBHOOK,
    group: 'Delivery to bots',
    about: 'PEM certificates that the NATS server is checked against (not in this version).',
    notYet: true,
  }),
};
