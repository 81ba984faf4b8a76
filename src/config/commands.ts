import type { CommandName } from './flag.js';

/** What `--help` says of a command besides its flags. */
export interface CommandHelp {
  readonly summary: string;
  readonly usage: string;
  readonly about: string;
  readonly examples: readonly (readonly [string, string])[];
  /** What may follow the command's name besides flags. */
  readonly args: { readonly min: number; readonly max: number; readonly what: string };
}

const NONE = { min: 0, max: 0, what: '' } as const;

export const COMMAND_HELP: Readonly<Record<CommandName, CommandHelp>> = {
  controller: {
    summary: 'reconcile the MessengerApps and MessengerPages of a cluster with Graph',
    usage: 'controller [flags]',
    about:
      'Keeps the webhook subscription of every Page identical to its MessengerPage, checks tokens, decides which object owns a Page, and\n' +
      'writes conditions and Events. Run two replicas: one leads, the other waits.',
    examples: [
      ['on the cluster of your kubeconfig, changing nothing at Graph', 'controller --read-only --log-format text'],
      ['for one namespace only', 'controller --watch-namespaces bots'],
    ],
    args: NONE,
  },
  webhook: {
    summary: 'receive webhooks from Meta and deliver the events to the bots',
    usage: 'webhook [flags]',
    about: 'The public edge: verifies each POST, splits it by Page and sends every event to the bot of its Page. It holds no page token.',
    examples: [['behind an Ingress that terminates TLS', 'webhook --webhook-port 8080']],
    args: NONE,
  },
  'pages-api': {
    summary: 'serve bots their pages, settings and tokens',
    usage: 'pages-api [flags]',
    about: 'The internal edge: answers a bot that presents its ServiceAccount token, if RBAC lets the bot read the page.',
    examples: [['with a certificate', 'pages-api --api-tls-cert tls.crt --api-tls-key tls.key']],
    args: NONE,
  },
  standalone: {
    summary: 'run all three in one process, from a folder of manifests instead of a cluster',
    usage: 'standalone --manifests DIR [flags]',
    about:
      'Controller, webhook and Pages API for a laptop, a demo or one small machine. It takes the same manifests as a cluster and checks\n' +
      'them by the same rules. If you remove a file, its Page is unsubscribed.',
    examples: [
      ['a laptop', 'standalone --manifests ./manifests --api-allow-plaintext --log-format text'],
      [
        'against the simulator, with short times',
        'standalone --manifests ./manifests --api-allow-plaintext --graph-url http://127.0.0.1:9190 --interval 10s --min-interval 5s',
      ],
      ['the status of its pages', 'get pages --state-dir .messenger-operator'],
    ],
    args: NONE,
  },
  simulator: {
    summary: "simulate the Graph API and Meta's webhook sender, for development and tests",
    usage: 'simulator [flags]\n       messenger-operator simulator VERB [ARG…] [flags]',
    about:
      'Without a verb, runs the simulator. With a verb, talks to a running simulator (--simulator-url).\n' +
      'It keeps everything in memory and never contacts Meta.',
    examples: [
      ['run it', 'simulator --seed seed.yaml'],
      ['an app, a page and its token', 'simulator app 111 s3cret'],
      ['a person writes to the page', 'simulator send 111 222 ann hello'],
      ['the token is revoked', 'simulator revoke clinic-a'],
    ],
    args: { min: 0, max: 32, what: 'VERB [ARG…]' },
  },
  get: {
    summary: 'show pages or apps, from the cluster or from a state folder',
    usage: 'get pages|apps [NAME…] [flags]',
    about:
      'Prints the columns of the CustomResourceDefinition, as kubectl does. `wide` adds more columns, among them the last Event of the\n' +
      'object. Only running processes know the last event of a page and why the last failed one failed: name them with --admin-url.\n' +
      'With --state-dir and `wide`, a running standalone process is found automatically.',
    examples: [
      ['all pages of a cluster', 'get pages -A'],
      [
        'with the last event of each, from two replicas (kubectl port-forward)',
        'get pages -A --admin-url http://localhost:9090,http://localhost:9091',
      ],
      ['what standalone keeps', 'get pages --state-dir .messenger-operator'],
      ['one page in full', 'get pages clinic-a -n bots -o yaml'],
    ],
    args: { min: 1, max: 101, what: 'pages|apps [NAME…]' },
  },
  release: {
    summary: 'remove the finalizers of pages and apps by hand, in a cluster',
    usage: 'release [NAME…] [flags]',
    about:
      'Removes the finalizers of this operator from MessengerPages and MessengerApps that hang in deletion. With --all, also from\n' +
      "objects that are not being deleted, before the operator is uninstalled (the chart's hook does that). NAME is a page or an app;\n" +
      'page/NAME and app/NAME tell them apart. Finalizers of others stay. A Page stays subscribed at Graph unless --unsubscribe is\n' +
      'set. With --all or --unsubscribe no controller may run: the command takes the Lease, and fails if another process holds it.\n' +
      'It works on clusters only: standalone releases its objects itself once their manifests are gone.',
    examples: [
      ['one page that hangs in Terminating', 'release clinic-a -n bots'],
      ['what an uninstall would leave', 'release --all --dry-run'],
      ['before an uninstall, Pages unsubscribed', 'release --all --unsubscribe --stop-controller messenger-operator-controller'],
    ],
    args: { min: 0, max: 100, what: '[NAME…]' },
  },
};
