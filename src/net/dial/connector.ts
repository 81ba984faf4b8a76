import { isIP, type Socket } from 'node:net';
import { buildConnector } from 'undici';
import type { AddressClass } from '../../core/domain/address-class.js';
import { refuseAddress, type BackendAllow } from './address-guard.js';
import type { Endpoint } from './endpoint.js';
import type { CachedResolver } from './resolver.js';

/** Opens a connection to exactly this address. */
export type Dial = (to: DialAddress) => Promise<Socket>;

export interface DialAddress {
  /** An IP address that the guard has allowed. */
  readonly address: string;
  readonly port: number;
  /** The name that the certificate must have; undefined: no TLS. */
  readonly tlsName: string | undefined;
}

/** The name leads only to addresses that must not be dialled. */
export class AddressRefusedError extends Error {
  readonly addressClass: AddressClass;

  constructor(addressClass: AddressClass) {
    super(`the backend's address is not allowed: ${addressClass}`);
    this.name = 'AddressRefusedError';
    this.addressClass = addressClass;
  }
}

export const DIAL_LIMIT_MS = 1_500;
const MAX_ADDRESSES_TRIED = 3;

/** Dials with the system's sockets. @param ca PEM of further authorities for https */
export function createDial(ca?: string): Dial {
  const connect = buildConnector({ timeout: DIAL_LIMIT_MS, allowH2: false, ...(ca === undefined ? {} : { ca }) });
  return ({ address, port, tlsName }) =>
    new Promise((resolve, reject) => {
      const protocol = tlsName === undefined ? 'http:' : 'https:';
      // TLS takes no address as its server name (RFC 6066); the certificate is then checked against
      // the address itself.
      const servername = tlsName !== undefined && isIP(tlsName) === 0 ? { servername: tlsName } : {};
      connect({ hostname: address, host: address, protocol, port: String(port), ...servername }, (error, socket) => {
        if (error === null) resolve(socket);
        else reject(error);
      });
    });
}

export interface ConnectorDeps {
  readonly resolver: CachedResolver;
  readonly allow: BackendAllow;
  readonly dial: Dial;
}

/**
 * Connects to a backend: its name is resolved here, each address is checked, and exactly that
 * address is dialled, so a name that changes between check and connect has no effect. If a name has
 * good and bad addresses, the bad ones are never dialled.
 * @throws NameError, AddressRefusedError, or what the last dial threw
 */
export async function connectTo(deps: ConnectorDeps, endpoint: Endpoint): Promise<Socket> {
  const port = endpoint.mapped?.port ?? endpoint.port;
  const tlsName = endpoint.kind === 'url' ? endpoint.host : undefined;
  let last: unknown;
  for (const address of await allowedAddresses(deps, endpoint)) {
    try {
      return await deps.dial({ address, port, tlsName });
    } catch (error) {
      last = error;
    }
  }
  throw last instanceof Error ? last : new Error('the connection failed', { cause: last });
}

/** At least one, at most three. @throws AddressRefusedError, NameError */
async function allowedAddresses({ resolver, allow }: ConnectorDeps, endpoint: Endpoint): Promise<readonly string[]> {
  const host = endpoint.mapped?.host ?? endpoint.host;
  const addresses = await addressesOf(resolver, endpoint, host);
  if (endpoint.mapped !== undefined) return addresses;
  let refused: AddressClass = 'invalid';
  const allowed = addresses.filter((address) => {
    const why = refuseAddress(endpoint.kind, host, address, allow);
    refused = why ?? refused;
    return why === undefined;
  });
  if (allowed.length === 0) throw new AddressRefusedError(refused);
  return allowed.slice(0, MAX_ADDRESSES_TRIED);
}

function addressesOf(resolver: CachedResolver, { kind, mapped }: Endpoint, host: string): Promise<readonly string[]> | readonly string[] {
  if (isIP(host) !== 0) return [host];
  if (mapped !== undefined && host === 'localhost') return ['127.0.0.1'];
  return resolver.resolve(host, kind === 'url');
}
