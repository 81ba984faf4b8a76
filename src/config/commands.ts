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
    summary: 'reconcile MessengerApps and MessengerPages of a cluster with Graph',
    usage: 'controller [flags]',
    about:
      'Keeps the webhook subscription of every Page as its MessengerPage says, checks tokens, decides which object owns a Page and\n' +
      'writes conditions and Events. Run two replicas: one leads, the other waits.',
    examples: [
      ['against the cluster of your kubeconfig, changing nothing at Graph', 'controller --read-only --log-format text'],
      ['one team alone', 'controller --watch-namespaces bots'],
    ],
    args: NONE,
  },
  webhook: {
    summary: "receive Meta's webhooks and deliver the events to the bots",
    usage: 'webhook [flags]',
    about: "The public edge: verifies each POST, splits it by Page and hands every event to its Page's bot. Holds no page token.",
    examples: [['behind an Ingress that ends TLS', 'webhook --webhook-port 8080']],
    args: NONE,
  },
  'pages-api': {
    summary: 'tell bots their pages, settings and tokens',
    usage: 'pages-api [flags]',
    about: 'The internal edge: answers a bot that shows its ServiceAccount token, if RBAC lets it read the page.',
    examples: [['with a certificate', 'pages-api --api-tls-cert tls.crt --api-tls-key tls.key']],
    args: NONE,
  },
  standalone: {
    summary: 'all of it in one process, from a folder of manifests instead of a cluster',
    usage: 'standalone --manifests DIR [flags]',
    about:
      'Controller, webhook and Pages API for a laptop, a demo or one small machine. Takes the same manifests as a cluster does and\n' +
      'checks them by the same rules. Remove a file, and its Page is unsubscribed.',
    examples: [
      ['a laptop', 'standalone --manifests ./manifests --api-allow-plaintext --log-format text'],
      [
        'against the simulator, with short times',
        'standalone --manifests ./manifests --api-allow-plaintext --graph-url http://127.0.0.1:9190 --interval 10s --min-interval 5s',
      ],
      ['what it says of the pages', 'get pages --state-dir .messenger-operator'],
    ],
    args: NONE,
  },
  simulator: {
    summary: "a Graph API and Meta's webhook sender for development and tests",
    usage: 'simulator [flags]\n       messenger-operator simulator VERB [ARG…] [flags]',
    about:
      'Without a verb: runs the simulator. With one: talks to a running simulator (--simulator-url).\n' +
      'It keeps everything in memory and knows no real Page.',
    examples: [
      ['run it', 'simulator --seed seed.yaml'],
      ['an app, a page and its token', 'simulator app 111 s3cret'],
      ['somebody writes to the page', 'simulator send 111 222 ann hello'],
      ['the token is revoked', 'simulator revoke clinic-a'],
    ],
    args: { min: 0, max: 32, what: 'VERB [ARG…]' },
  },
  get: {
    summary: 'show pages or apps, from the cluster or from a state folder',
    usage: 'get pages|apps [NAME…] [flags]',
    about:
      'Prints the columns that the CustomResourceDefinition names, as kubectl does; `wide` adds the others and the last change that was\n' +
      'told of the object. What only the running processes know, the last event of a page and why the last one failed, needs\n' +
      '--admin-url; standalone with --state-dir and `wide` is found by itself.',
    examples: [
      ['all pages of a cluster', 'get pages -A'],
      [
        'with the last event of each, as two replicas (kubectl port-forward) know it',
        'get pages -A --admin-url http://localhost:9090,http://localhost:9091',
      ],
      ['what standalone keeps', 'get pages --state-dir .messenger-operator'],
      ['one page whole', 'get pages clinic-a -n bots -o yaml'],
    ],
    args: { min: 1, max: 101, what: 'pages|apps [NAME…]' },
  },
  release: {
    summary: 'free the finalizers of pages and apps by hand, in a cluster',
    usage: 'release [NAME…] [flags]',
    about:
      'Takes the finalizers of this operator off MessengerPages and MessengerApps that are being deleted and hang; with --all also off\n' +
      "those that are not, before the operator is uninstalled (the chart's hook does that). NAME is that of a page or of an app;\n" +
      'page/NAME and app/NAME tell them apart. Finalizers of others stay. A Page stays subscribed at Graph unless --unsubscribe is\n' +
      'given. With --all or --unsubscribe no controller may run: the command takes the Lease, and refuses if somebody keeps it.\n' +
      'Works on clusters only: standalone frees its objects itself, once their manifests are gone.',
    examples: [
      ['one page that hangs in Terminating', 'release clinic-a -n bots'],
      ['what an uninstall would leave', 'release --all --dry-run'],
      ['before an uninstall, Pages unsubscribed', 'release --all --unsubscribe --stop-controller messenger-operator-controller'],
    ],
    args: { min: 0, max: 100, what: '[NAME…]' },
  },
};
