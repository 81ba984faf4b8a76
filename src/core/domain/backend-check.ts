import { isIP } from 'node:net';
import type { Service } from '../../api/meta.js';
import type { PageReason } from '../../api/v1alpha1/conditions.js';
import type { BackendService, MessengerApp, MessengerPage } from '../../api/v1alpha1/types.gen.js';
import { classifyAddress, isNeverAllowed, type AddressClass } from './address-class.js';
import type { EffectiveBackend } from './effective-spec.js';

export interface BackendFacts {
  readonly backend: EffectiveBackend | undefined;
  /** Why the app secret may not sign for this page's bot; undefined: it may. See `signingRule`. */
  readonly signingRule: SigningRule | undefined;
  /** The Service that `backend` names; undefined: there is none of this name. */
  readonly service: Service | undefined;
  /** Whether the signing Secret has its key; undefined where the backend names no Secret. */
  readonly signingSecret: 'present' | 'absent' | 'malformed' | 'app_secret' | undefined;
}

/**
 * `other_namespace`: the app is in another namespace. `shared_app`: the app asks for it, or serves
 * several namespaces.
 */
export type SigningRule = 'other_namespace' | 'shared_app';

/**
 * Whether the page's bot needs a signing secret of its own. A bot that holds the app secret can
 * forge events for all Pages of the app, so an app that several namespaces use gives it to none of
 * them.
 */
export function signingRule(page: MessengerPage, app: MessengerApp): SigningRule | undefined {
  if (page.metadata.namespace !== app.metadata.namespace) return 'other_namespace';
  const { requireSigningSecret, allowedNamespaces } = app.spec;
  const isShared = allowedNamespaces?.from !== undefined && allowedNamespaces.from !== 'Same';
  return (requireSigningSecret ?? isShared) ? 'shared_app' : undefined;
}

export interface BackendFault {
  readonly reason: PageReason;
  readonly message: string;
}

const DNS_1035 = /^[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?$/;

/**
 * What is wrong with a page's backend as far as the manifests and the cluster can tell; undefined:
 * events may be sent there.
 */
export function checkBackend({ backend, signingRule: rule, service, signingSecret }: BackendFacts): BackendFault | undefined {
  if (backend === undefined) {
    return { reason: 'NoBackend', message: 'neither the page nor the pageDefaults of its app name a backend: set spec.backend' };
  }
  return addressFault(backend, service) ?? signingFault(backend, rule, signingSecret);
}

function addressFault({ backend, namespace }: EffectiveBackend, service: Service | undefined): BackendFault | undefined {
  if (backend.service !== undefined) return serviceFault(backend.service, namespace, service);
  const problem = urlProblem(backend.url ?? '');
  return problem === undefined ? undefined : { reason: 'BackendNotAllowed', message: `backend.url ${problem}` };
}

function urlProblem(text: string): string | undefined {
  if (!text.startsWith('https://')) return 'must begin with https://';
  if (!URL.canParse(text)) return 'is not a URL with a host and, if any, a port up to 65535';
  const { hostname, username, password } = new URL(text);
  if (username !== '' || password !== '') return 'must not contain a user or a password';
  const found = classOfHost(hostname);
  if (found === undefined || !isNeverAllowed(found)) return undefined;
  const what = found.replace('_', '-');
  return `leads to ${hostname} (${what}), which no setting allows: use the address of the bot, or backend.service for a bot in the cluster`;
}

/**
 * What the text alone says of a host; undefined: it is a name, whose address is checked before each
 * connect. `hostname`: of a `URL`, which writes decimal, octal and hexadecimal IPv4 forms as usual.
 */
function classOfHost(hostname: string): AddressClass | undefined {
  const host = hostname.replace(/^\[|\]$/g, '').replace(/\.+$/, '');
  if (isIP(host) !== 0) return classifyAddress(host);
  // RFC 6761: these names are the machine itself, whatever a resolver says.
  return host === 'localhost' || host.endsWith('.localhost') ? 'loopback' : undefined;
}

function serviceFault({ name, port }: BackendService, namespace: string, service: Service | undefined): BackendFault | undefined {
  const where = `Service ${namespace}/${name}`;
  if (!DNS_1035.test(name)) return { reason: 'BackendNotAllowed', message: `"${name}" is not the name of a Service` };
  if (service === undefined) {
    return { reason: 'BackendNotFound', message: `${where} does not exist: create it or correct backend.service.name` };
  }
  if (service.spec?.type === 'ExternalName') {
    return { reason: 'BackendNotAllowed', message: `${where} is of type ExternalName, which may point anywhere: use backend.url` };
  }
  const problem = portProblem(port, service);
  return problem === undefined ? undefined : { reason: 'BackendNotFound', message: `${where} ${problem}: correct backend.service.port` };
}

function portProblem(port: BackendService['port'], { spec }: Service): string | undefined {
  const ports = (spec?.ports ?? []).filter(({ protocol }) => (protocol ?? 'TCP') === 'TCP');
  if (typeof port === 'number') {
    // A headless Service leads to its pods, which may listen on any port.
    if (spec?.clusterIP === 'None' || ports.some((one) => one.port === port)) return undefined;
    const numbers = ports.map((one) => one.port).join(', ');
    return `has no TCP port ${port} (${numbers === '' ? 'it has none' : `it has ${numbers}`})`;
  }
  if (ports.some((one) => one.name === port)) return undefined;
  const names = ports.flatMap((one) => one.name ?? []).join(', ');
  return `has no TCP port named "${port}" (${names === '' ? 'none of its ports has a name' : `it has ${names}`})`;
}

const WHY_REQUIRED: Readonly<Record<SigningRule, string>> = {
  other_namespace: "the app is in another namespace, its secret may not sign for this page's bot",
  shared_app: 'the app requires signing secrets (spec.requireSigningSecret), as an app that several namespaces may use does by default',
};

function signingFault(
  { backend, namespace }: EffectiveBackend,
  rule: SigningRule | undefined,
  state: BackendFacts['signingSecret'],
): BackendFault | undefined {
  const ref = backend.signingSecretRef;
  if (ref === undefined) {
    if (rule === undefined) return undefined;
    return { reason: 'SigningSecretRequired', message: `${WHY_REQUIRED[rule]}: set backend.signingSecretRef to a Secret of the bot's own` };
  }
  if (state === 'present') return undefined;
  const where = `Secret ${namespace}/${ref.name}`;
  if (state === 'app_secret') {
    const why = 'holds an app secret, with which a bot could forge events for all Pages of the app';
    return { reason: 'SigningSecretRequired', message: `${where} ${why}: store a random value of its own there and in the bot` };
  }
  const key = ref.key ?? 'appSecret';
  const what = state === 'malformed' ? `has no usable value at the key "${key}"` : `does not exist or has no key "${key}"`;
  return { reason: 'SigningSecretNotFound', message: `${where} ${what}: create it. ${roleFor(namespace, ref.name)}` };
}

/**
 * The webhook reads signing Secrets by name, where the chart was not given the namespace: the
 * tenant grants it with this Role.
 */
function roleFor(namespace: string, secret: string): string {
  const rule = `apiGroups: [""], resources: [secrets], resourceNames: [${secret}], verbs: [get]`;
  return `If the operator may not read it, grant its webhook a Role in ${namespace} with {${rule}}`;
}
