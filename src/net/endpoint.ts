import type { BackendTarget } from '../core/page-route.js';

import type { TargetKind } from './address-guard.js';
import type { MappedAddress, ServiceMap } from './service-map.js';

/** A backend as it is dialled. */
export interface Endpoint {
  readonly kind: TargetKind;
  /** Key of its connections; Host header and TLS name come from it. */
  readonly origin: string;
  readonly path: string;
  /** The name or address to resolve and guard; a Service's is absolute. */
  readonly host: string;
  readonly port: number;
  /** Set by `--service-resolver`: dialled instead, without guard. */
  readonly mapped: MappedAddress | undefined;
}

/** The backend is not one that may be called at all: no https, credentials in the URL, … */
export class BadTargetError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'BadTargetError';
  }
}

export interface EndpointRules {
  readonly clusterDomain: string;
  readonly serviceMap: ServiceMap;
}

/** @throws BadTargetError */
export function endpointOf(target: BackendTarget, { clusterDomain, serviceMap }: EndpointRules): Endpoint {
  if (target.kind === 'url') return urlEndpoint(target.url);
  const { namespace, name, port, path } = target;
  const host = `${name}.${namespace}.svc.${clusterDomain}`;
  // The dot in the end makes the name absolute for the resolver; in a Host header it would puzzle servers.
  return {
    kind: 'service',
    origin: `http://${host}:${port}`,
    path,
    host: `${host}.`,
    port,
    mapped: serviceMap.get(`${namespace}/${name}:${port}`),
  };
}

function urlEndpoint(text: string): Endpoint {
  if (!URL.canParse(text)) throw new BadTargetError('the backend URL cannot be read');
  const url = new URL(text);
  if (url.protocol !== 'https:') throw new BadTargetError('the backend URL must be https');
  if (url.username !== '' || url.password !== '') throw new BadTargetError('the backend URL must not hold credentials');
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return { kind: 'url', origin: url.origin, path: url.pathname + url.search, host, port: Number(url.port || 443), mapped: undefined };
}
