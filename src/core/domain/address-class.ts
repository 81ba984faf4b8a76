import { isIPv4, isIPv6 } from 'node:net';

/** What kind of place an IP address is. An IPv4 address inside an IPv6 one counts as what it is. */
export type AddressClass =
  | 'public'
  | 'private'
  | 'cgnat'
  | 'ula'
  | 'reserved'
  | 'loopback'
  | 'link_local'
  | 'metadata'
  | 'unspecified'
  | 'multicast'
  | 'broadcast'
  | 'tunnel'
  | 'invalid';

/**
 * Never dialled, whatever is allowed: the machine itself, its link, a cloud's credentials, and what
 * is no single host.
 */
const NEVER_ALLOWED: ReadonlySet<AddressClass> = new Set([
  'loopback',
  'link_local',
  'metadata',
  'unspecified',
  'multicast',
  'broadcast',
  'tunnel',
  'invalid',
]);

/** Whether no setting allows a backend at an address of this class. */
export function isNeverAllowed(found: AddressClass): boolean {
  return NEVER_ALLOWED.has(found);
}

/**
 * The first row that fits counts. IANA's special-purpose registries, and where clouds put their
 * metadata services.
 */
const IPV4: readonly (readonly [string, number, AddressClass])[] = [
  ['169.254.169.254', 32, 'metadata'],
  ['169.254.170.2', 32, 'metadata'],
  ['100.100.100.200', 32, 'metadata'],
  ['168.63.129.16', 32, 'metadata'],
  ['192.0.0.192', 32, 'metadata'],
  ['0.0.0.0', 8, 'unspecified'],
  ['127.0.0.0', 8, 'loopback'],
  ['169.254.0.0', 16, 'link_local'],
  ['10.0.0.0', 8, 'private'],
  ['172.16.0.0', 12, 'private'],
  ['192.168.0.0', 16, 'private'],
  ['100.64.0.0', 10, 'cgnat'],
  ['224.0.0.0', 4, 'multicast'],
  ['255.255.255.255', 32, 'broadcast'],
  ['240.0.0.0', 4, 'reserved'],
  ['192.0.0.0', 24, 'reserved'],
  ['192.0.2.0', 24, 'reserved'],
  ['192.88.99.0', 24, 'reserved'],
  ['198.18.0.0', 15, 'reserved'],
  ['198.51.100.0', 24, 'reserved'],
  ['203.0.113.0', 24, 'reserved'],
];

/**
 * The first row that fits counts; `64:ff9b:1::/48` and Teredo hide where they lead, so they are a
 * class of their own.
 */
const IPV6: readonly (readonly [string, number, AddressClass])[] = [
  ['fd00:ec2::254', 128, 'metadata'],
  ['fd20:ce::254', 128, 'metadata'],
  ['::', 128, 'unspecified'],
  ['::1', 128, 'loopback'],
  ['fe80::', 10, 'link_local'],
  ['fec0::', 10, 'private'],
  ['fc00::', 7, 'ula'],
  ['ff00::', 8, 'multicast'],
  ['64:ff9b:1::', 48, 'tunnel'],
  ['2001::', 32, 'tunnel'],
  ['2001:db8::', 32, 'reserved'],
  ['3fff::', 20, 'reserved'],
  ['2000::', 3, 'public'],
  ['::', 0, 'reserved'],
];

const V4_ROWS = IPV4.map(([base, bits, kind]) => ({ base: v4Words(base), bits, kind }));
const V6_ROWS = IPV6.map(([base, bits, kind]) => ({ base: v6Words(base) ?? [], bits, kind }));

/**
 * `address` in the usual text forms, without brackets; a zone (`%eth0`) is ignored. Anything else
 * is `invalid`.
 */
export function classifyAddress(address: string): AddressClass {
  const plain = address.replace(/%.*$/s, '');
  if (isIPv4(plain)) return classifyV4(v4Words(plain));
  const words = v6Words(plain);
  if (words === undefined) return 'invalid';
  const embedded = embeddedV4(words);
  if (embedded !== undefined) return classifyV4(embedded);
  const found = V6_ROWS.find(({ base, bits }) => hasPrefix(words, base, bits))?.kind ?? 'reserved';
  return found === 'public' && isIsatap(words) ? classifyV4(words.slice(6)) : found;
}

/**
 * The same address always as the same text: `::ffff:10.0.0.1` is `10.0.0.1`. undefined: no address.
 */
export function canonicalAddress(address: string): string | undefined {
  if (isIPv4(address)) return address;
  const words = v6Words(address);
  if (words === undefined) return undefined;
  const [high, low] = words.slice(6);
  if (isMapped(words) && high !== undefined && low !== undefined) return [high >> 8, high & 0xff, low >> 8, low & 0xff].join('.');
  return words.map((word) => word.toString(16)).join(':');
}

function classifyV4(words: readonly number[]): AddressClass {
  return V4_ROWS.find(({ base, bits }) => hasPrefix(words, base, bits))?.kind ?? 'public';
}

/** Two words of 16 bits. */
function v4Words(address: string): number[] {
  const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number);
  return [(a << 8) | b, (c << 8) | d];
}

/** Eight words of 16 bits; undefined if it is no IPv6 address. */
function v6Words(address: string): number[] | undefined {
  if (!isIPv6(address) || address.includes('%')) return undefined;
  const dotted = /(\d+\.\d+\.\d+\.\d+)$/.exec(address)?.[1];
  const [high = 0, low = 0] = dotted === undefined ? [] : v4Words(dotted);
  const text = dotted === undefined ? address : `${address.slice(0, -dotted.length)}${high.toString(16)}:${low.toString(16)}`;
  const [head = '', tail] = text.split('::');
  const front = wordsOf(head);
  if (tail === undefined) return front;
  const back = wordsOf(tail);
  return [...front, ...Array<number>(8 - front.length - back.length).fill(0), ...back];
}

function wordsOf(text: string): number[] {
  return text === '' ? [] : text.split(':').map((word) => Number.parseInt(word, 16));
}

function hasPrefix(words: readonly number[], base: readonly number[], bits: number): boolean {
  for (let at = 0, left = bits; left > 0; at++, left -= 16) {
    const mask = left >= 16 ? 0xffff : (0xffff << (16 - left)) & 0xffff;
    if (((words[at] ?? 0) & mask) !== ((base[at] ?? 0) & mask)) return false;
  }
  return true;
}

function isMapped(words: readonly number[]): boolean {
  return hasPrefix(words, [0, 0, 0, 0, 0, 0xffff], 96);
}

/** Prefixes of 96 bits with an IPv4 address behind them: mapped, translated (SIIT), NAT64. */
const V4_BEHIND: readonly (readonly number[])[] = [
  [0, 0, 0, 0, 0, 0xffff],
  [0, 0, 0, 0, 0xffff, 0],
  [0x64, 0xff9b, 0, 0, 0, 0],
];

/**
 * The IPv4 address that an IPv6 one leads to; 6to4 and the old compatible form besides those above.
 */
function embeddedV4(words: readonly number[]): readonly number[] | undefined {
  if (hasPrefix(words, [0x2002], 16)) return words.slice(1, 3);
  const isBehind = V4_BEHIND.some((prefix) => hasPrefix(words, prefix, 96)) || isCompatible(words);
  return isBehind ? words.slice(6) : undefined;
}

/** An interface identifier that ends in an IPv4 address, behind any prefix. */
function isIsatap(words: readonly number[]): boolean {
  return words[5] === 0x5efe && ((words[4] ?? 0) & 0xfdff) === 0;
}

/** `::a.b.c.d`, but neither `::` nor `::1`. */
function isCompatible(words: readonly number[]): boolean {
  return hasPrefix(words, [0, 0, 0, 0, 0, 0], 96) && (words[6] !== 0 || (words[7] ?? 0) > 1);
}
