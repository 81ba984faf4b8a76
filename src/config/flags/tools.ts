import { flag, optionalFlag } from '../flag.js';
import { boolean, directory, duration, file, list, oneOf, path, port, text, url } from '../value-types.js';

/** Flags of standalone, of the simulator and of the commands that print. */
export const TOOL_FLAGS = {
  manifests: optionalFlag(directory, {
    name: 'manifests',
    commands: ['standalone'],
    group: 'Folder of manifests',
    about: 'Folder with the manifests (*.yaml, *.yml, *.json, also in subfolders). It is watched for changes.',
  }),
  stateDir: flag(
    path,
    { value: '.messenger-operator', of: { get: '' } },
    {
      name: 'state-dir',
      commands: ['standalone', 'get'],
      group: 'Folder of manifests',
      about: 'Where standalone keeps uid, finalizers and status of the objects, never a token. `get` reads it instead of a cluster.',
    },
  ),
  allowMassDelete: flag(boolean, 'false', {
    name: 'allow-mass-delete',
    commands: ['standalone'],
    group: 'Folder of manifests',
    about: 'Remove pages even if more than five, and more than a fifth of all, disappear at once.',
  }),
  rescanMs: flag(duration('100ms', '1h'), '2s', {
    name: 'rescan',
    commands: ['standalone'],
    group: 'Folder of manifests',
    about: 'How often the folder is read again, in addition to file system notifications.',
  }),
  deletionConfirmMs: flag(duration('0s', '1h'), '10s', {
    name: 'deletion-confirm',
    commands: ['standalone'],
    group: 'Folder of manifests',
    about: 'A page counts as removed if two complete scans this far apart do not find it.',
  }),
  simulatorPort: flag(port, '9190', {
    name: 'port',
    commands: ['simulator'],
    group: 'Simulator',
    about: 'Port of the simulated Graph API and of its control API.',
  }),
  seed: optionalFlag(file, {
    name: 'seed',
    commands: ['simulator'],
    group: 'Simulator',
    about: 'YAML or JSON file with the apps, pages and tokens to start with.',
  }),
  simulatorUrl: flag(url('http', 'https'), 'http://127.0.0.1:9190', {
    name: 'simulator-url',
    commands: ['simulator'],
    group: 'Simulator',
    about: 'Address of the running simulator that a verb talks to.',
  }),
  namespace: optionalFlag(text('NAMESPACE', /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, 'the name of a namespace'), {
    name: 'namespace',
    short: 'n',
    commands: ['get', 'release'],
    group: 'Output',
    about:
      "Show or release the objects in this namespace. Default: the namespace of the kubeconfig's context, else `default`; with a state folder, all namespaces.",
  }),
  allNamespaces: flag(boolean, 'false', {
    name: 'all-namespaces',
    short: 'A',
    commands: ['get', 'release'],
    group: 'Output',
    about: 'Show or release the objects in every namespace.',
  }),
  selector: flag(text('SELECTOR', /^[^\0]{0,1024}$/, 'a label selector'), '', {
    name: 'selector',
    short: 'l',
    commands: ['get'],
    group: 'Output',
    about: 'Show only objects with these labels: key=value, key!=value, key, !key, `key in (a,b)`, `key notin (a,b)`, separated by commas.',
  }),
  adminUrls: flag(list('URL,…', /^https?:\/\/[^\s,]{1,512}$/, 'http(s) addresses'), '', {
    name: 'admin-url',
    commands: ['get'],
    group: 'Output',
    about:
      'Admin addresses of running webhook or standalone processes, such as http://localhost:9090. `get pages` asks them for the last event and last failure of each page. List every replica; the latest entry of each page is shown.',
  }),
  output: flag(oneOf('table', 'wide', 'json', 'yaml'), 'table', {
    name: 'output',
    short: 'o',
    commands: ['get', 'simulator', 'release'],
    group: 'Output',
    about: 'Output format.',
  }),
};
