import { BlockList, isIP, isIPv6 } from 'node:net';
import { canonicalAddress, classifyAddress, isNeverAllowed, type AddressClass } from '../../core/domain/address-class.js';

/** `service`: a Service of the cluster. `url`: a tenant wrote the host. */
export type TargetKind = 'service' | 'url';

/** What `--backend-allow` lists. */
export interface BackendAllow {
  /** Whether a `url` backend may lead to this address although it is not public. */
  allows(host: string, address: string): boolean;
}

/**
 * Decides on the address that is about to be dialled, after its name was resolved and immediately
 * before the connect. Returns why not, or undefined if it may be dialled.
 */
export function refuseAddress(kind: TargetKind, host: string, address: string, allow: BackendAllow): AddressClass | undefined {
  const found = classifyAddress(address);
  if (isNeverAllowed(found)) return found;
  if (kind === 'service' || found === 'public') return undefined;
  return allow.allows(host, address) ? undefined : found;
}

const HOST = /^(?:\*\.)?[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$/;

export type AllowResult =
  | { readonly ok: true; readonly allow: BackendAllow }
  /** One sentence an entry that cannot be understood. */
  | { readonly ok: false; readonly problems: readonly string[] };

/** Reads `--backend-allow`: addresses, CIDR ranges, host names and `*.suffix`. */
export function parseBackendAllow(entries: readonly string[]): AllowResult {
  const blocks = new BlockList();
  const hosts = new Set<string>();
  const problems: string[] = [];
  for (const entry of entries.map((text) => text.trim().toLowerCase()).filter((text) => text !== '')) {
    const [base = '', bits, ...rest] = entry.split('/');
    const isRange = rest.length === 0 && addRange(blocks, base, bits);
    if (isRange) continue;
    if (bits === undefined && isIP(base) === 0 && HOST.test(entry)) hosts.add(entry.replace(/\.$/, ''));
    else problems.push(`"${entry}" is neither an address, a CIDR range, a host name nor *.suffix`);
  }
  if (problems.length > 0) return { ok: false, problems };
  return { ok: true, allow: { allows: (host, address) => hasHost(hosts, host) || hasAddress(blocks, address) } };
}

function addRange(blocks: BlockList, base: string, bits: string | undefined): boolean {
  if (isIP(base) === 0) return false;
  const family = isIPv6(base) ? 'ipv6' : 'ipv4';
  const most = family === 'ipv6' ? 128 : 32;
  const length = bits === undefined ? most : /^\d{1,3}$/.test(bits) ? Number(bits) : -1;
  if (length < 0 || length > most) return false;
  blocks.addSubnet(base, length, family);
  return true;
}

function hasHost(hosts: ReadonlySet<string>, host: string): boolean {
  const name = host.toLowerCase().replace(/\.$/, '');
  if (hosts.has(name)) return true;
  for (let dot = name.indexOf('.'); dot >= 0; dot = name.indexOf('.', dot + 1)) if (hosts.has(`*${name.slice(dot)}`)) return true;
  return false;
}

function hasAddress(blocks: BlockList, address: string): boolean {
  const canonical = canonicalAddress(address);
  return canonical !== undefined && blocks.check(canonical, isIPv6(canonical) ? 'ipv6' : 'ipv4');
}
