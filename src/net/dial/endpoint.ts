import type { BackendTarget } from '../../core/ports/page-lookup.js';
import type { TargetKind } from './address-guard.js';
import type { MappedAddress, ServiceMap } from './service-map.js';

/** A backend as it is dialled. */
export interface Endpoint {
  readonly kind: TargetKind;
  /** Key of its connections. */
  readonly origin: string;
  /** Request line of a POST and what is the same in each: Host, Connection. */
  readonly requestHead: string;
  /** The name or address to resolve and guard; a Service's is absolute. */
  readonly host: string;
  readonly port: number;
  /** Set by `--service-resolver`: dialled instead, without guard. */
  readonly mapped: MappedAddress | undefined;
}

/** The backend may not be called at all: no https, credentials in the URL, … */
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
  // The final dot makes the name absolute for the resolver; in a Host header it would confuse
  // servers.
  return {
    kind: 'service',
    origin: `http://${host}:${port}`,
    requestHead: requestHead(path, port === 80 ? host : `${host}:${port}`),
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
  return {
    kind: 'url',
    origin: url.origin,
    requestHead: requestHead(url.pathname + url.search, url.host),
    host,
    port: Number(url.port || 443),
    mapped: undefined,
  };
}

const VISIBLE = /^[\x21-\x7e]+$/;

/** @throws BadTargetError if one of them would break out of its line */
function requestHead(path: string, authority: string): string {
  if (!VISIBLE.test(path) || !path.startsWith('/')) throw new BadTargetError('the backend path cannot stand in a request');
  if (!VISIBLE.test(authority)) throw new BadTargetError('the backend host cannot stand in a request');
  return `POST ${path} HTTP/1.1\r\nhost: ${authority}\r\nconnection: keep-alive\r\n`;
}
