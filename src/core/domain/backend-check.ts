import type { Service } from '../../api/meta.js';
import type { PageReason } from '../../api/v1alpha1/conditions.js';
import type { BackendService } from '../../api/v1alpha1/types.gen.js';
import type { EffectiveBackend } from './effective-spec.js';

export interface BackendFacts {
  readonly backend: EffectiveBackend | undefined;
  readonly pageNamespace: string;
  readonly appNamespace: string;
  /** The Service that `backend` names; undefined: there is none of this name. */
  readonly service: Service | undefined;
  /** Whether the signing Secret has its key; undefined where the backend names no Secret. */
  readonly signingSecret: 'present' | 'absent' | 'malformed' | undefined;
}

export interface BackendFault {
  readonly reason: PageReason;
  readonly message: string;
}

const DNS_1035 = /^[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?$/;

/** What is wrong with a page's backend as far as the manifests and the cluster can tell; undefined: events may be sent there. */
export function checkBackend({ backend, pageNamespace, appNamespace, service, signingSecret }: BackendFacts): BackendFault | undefined {
  if (backend === undefined) {
    return { reason: 'NoBackend', message: 'neither the page nor the pageDefaults of its app name a backend: set spec.backend' };
  }
  return addressFault(backend, service) ?? signingFault(backend, pageNamespace === appNamespace, signingSecret);
}

function addressFault({ backend, namespace }: EffectiveBackend, service: Service | undefined): BackendFault | undefined {
  if (backend.service !== undefined) return serviceFault(backend.service, namespace, service);
  if (backend.url?.startsWith('https://') === true) return undefined;
  return { reason: 'BackendNotAllowed', message: 'backend.url must begin with https://' };
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
  const ports = service.spec?.ports ?? [];
  // A number is not checked: a headless Service serves every port of its pods.
  if (typeof port === 'number' || ports.some((one) => one.name === port)) return undefined;
  const names = ports.flatMap((one) => one.name ?? []).join(', ');
  const has = names === '' ? 'none of its ports has a name' : `it has ${names}`;
  return { reason: 'BackendNotFound', message: `${where} has no port named "${port}" (${has}): correct backend.service.port` };
}

function signingFault(
  { backend, namespace }: EffectiveBackend,
  inAppNamespace: boolean,
  state: BackendFacts['signingSecret'],
): BackendFault | undefined {
  const ref = backend.signingSecretRef;
  if (ref === undefined) {
    if (inAppNamespace) return undefined;
    const why = "the app is in another namespace, its secret may not sign for this page's bot";
    return { reason: 'SigningSecretRequired', message: `${why}: set backend.signingSecretRef` };
  }
  if (state === 'present') return undefined;
  const where = `Secret ${namespace}/${ref.name}`;
  const key = ref.key ?? 'appSecret';
  const what = state === 'malformed' ? `has no usable value at the key "${key}"` : `does not exist or has no key "${key}"`;
  return { reason: 'SigningSecretNotFound', message: `${where} ${what}: create it. ${roleFor(namespace, ref.name)}` };
}

/** The webhook reads signing Secrets by name, where the chart was not given the namespace: the tenant grants it with this Role. */
function roleFor(namespace: string, secret: string): string {
  const rule = `apiGroups: [""], resources: [secrets], resourceNames: [${secret}], verbs: [get]`;
  return `If the operator may not read it, grant its webhook a Role in ${namespace} with {${rule}}`;
}
