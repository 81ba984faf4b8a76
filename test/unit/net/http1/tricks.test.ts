import type { Socket } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import type { BackendTarget } from '../../../../src/core/ports/page-lookup.js';
import { connectTo } from '../../../../src/net/dial/connector.js';
import { endpointOf } from '../../../../src/net/dial/endpoint.js';
import { CachedResolver } from '../../../../src/net/dial/resolver.js';
import { ALLOW_NOTHING } from '../../../support/backend-allow.js';
import { FakeClock } from '../../../support/fake-clock.js';
import { FakeNames } from '../fakes.js';

const SERVICE: BackendTarget = { kind: 'service', namespace: 'bots', name: 'bot', port: 5000, path: '/' };
const SERVICE_NAME = 'bot.bots.svc.cluster.local.';

/**
 * Resolver and dialling are the test's: nothing leaves it, and no address answers. @returns what
 * was dialled, or why nothing was
 */
async function attempt(target: BackendTarget, names: FakeNames): Promise<readonly string[] | string> {
  const dialled: string[] = [];
  const clock = new FakeClock();
  const deps = {
    resolver: new CachedResolver({ source: names, clock }),
    allow: ALLOW_NOTHING,
    dial: ({ address }: { readonly address: string }): Promise<Socket> => {
      dialled.push(address);
      return Promise.reject(new Error('nobody answers'));
    },
  };
  try {
    await connectTo(deps, endpointOf(target, { clusterDomain: 'cluster.local', serviceMap: new Map() }));
  } catch (error) {
    if (dialled.length === 0) return (error as Error).message;
  }
  return dialled;
}

const REFUSED = expect.stringMatching(/^the backend's address is not allowed: /);

/**
 * One place in many spellings: as the host of a URL, and as the address that a name leads to (a
 * tenant may own the name, or fake the endpoints of a Service). `service`: whether a Service may be
 * there.
 */
const TRICKS: readonly (readonly [name: string, host: string, address: string, service: 'never' | 'may'])[] = [
  ['loopback', '127.0.0.1', '127.0.0.1', 'never'],
  ['the end of loopback', '127.255.255.254', '127.255.255.254', 'never'],
  ['loopback as one decimal number', '2130706433', '127.0.0.1', 'never'],
  ['loopback as one hex number', '0x7f000001', '127.0.0.1', 'never'],
  ['loopback as one octal number', '017700000001', '127.0.0.1', 'never'],
  ['loopback in octal parts', '0177.0.0.1', '127.0.0.1', 'never'],
  ['loopback with padding', '0000177.0000.0000.0001', '127.0.0.1', 'never'],
  ['loopback in hex parts', '0x7f.0x0.0x0.0x1', '127.0.0.1', 'never'],
  ['loopback in two parts', '127.1', '127.0.0.1', 'never'],
  ['loopback in three parts', '127.0.1', '127.0.0.1', 'never'],
  ['loopback with a dot behind', '127.0.0.1.', '127.0.0.1', 'never'],
  ['loopback in full-width digits', '１２７.０.０.１', '127.0.0.1', 'never'],
  ['loopback with ideographic dots', '127。0。0。1', '127.0.0.1', 'never'],
  ['loopback in circled digits', '①②⑦.⓪.⓪.①', '127.0.0.1', 'never'],
  ['loopback, percent-encoded', '%31%32%37.0.0.1', '127.0.0.1', 'never'],
  ['IPv6 loopback', '[::1]', '::1', 'never'],
  ['IPv6 loopback, written out', '[0000:0000:0000:0000:0000:0000:0000:0001]', '0:0:0:0:0:0:0:1', 'never'],
  ['IPv4-mapped loopback', '[::ffff:127.0.0.1]', '::ffff:127.0.0.1', 'never'],
  ['IPv4-mapped loopback in hex', '[::ffff:7f00:1]', '::ffff:7f00:1', 'never'],
  ['IPv4-compatible loopback', '[::127.0.0.1]', '::127.0.0.1', 'never'],
  ['IPv4-translated loopback', '[::ffff:0:127.0.0.1]', '::ffff:0:127.0.0.1', 'never'],
  ['NAT64 loopback', '[64:ff9b::127.0.0.1]', '64:ff9b::127.0.0.1', 'never'],
  ['loopback behind a local NAT64', '[64:ff9b:1::7f00:1]', '64:ff9b:1::7f00:1', 'never'],
  ['6to4 loopback', '[2002:7f00:1::]', '2002:7f00:1::', 'never'],
  ['Teredo', '[2001:0:7f00:1::]', '2001:0:7f00:1::', 'never'],
  ['ISATAP loopback', '[2606:4700::5efe:7f00:1]', '2606:4700::5efe:7f00:1', 'never'],
  ['zero', '0', '0.0.0.0', 'never'],
  ['unspecified', '0.0.0.0', '0.0.0.0', 'never'],
  ['this network', '0.1.2.3', '0.1.2.3', 'never'],
  ['unspecified IPv6', '[::]', '::', 'never'],
  ['unspecified, mapped', '[::ffff:0.0.0.0]', '::ffff:0.0.0.0', 'never'],
  ['metadata', '169.254.169.254', '169.254.169.254', 'never'],
  ['metadata with a dot behind', '169.254.169.254.', '169.254.169.254', 'never'],
  ['metadata as one decimal number', '2852039166', '169.254.169.254', 'never'],
  ['metadata as one hex number', '0xA9FEA9FE', '169.254.169.254', 'never'],
  ['metadata in octal parts', '0251.0376.0251.0376', '169.254.169.254', 'never'],
  ['metadata in three parts', '169.254.43518', '169.254.169.254', 'never'],
  ['metadata, mapped', '[::ffff:169.254.169.254]', '::ffff:a9fe:a9fe', 'never'],
  ['metadata, NAT64', '[64:ff9b::a9fe:a9fe]', '64:ff9b::169.254.169.254', 'never'],
  ['metadata, 6to4', '[2002:a9fe:a9fe::1]', '2002:a9fe:a9fe::1', 'never'],
  ['IPv6 metadata of AWS', '[fd00:ec2::254]', 'fd00:ec2::254', 'never'],
  ['metadata of a container', '169.254.170.2', '169.254.170.2', 'never'],
  ['metadata of Alibaba', '100.100.100.200', '100.100.100.200', 'never'],
  ['metadata of Azure', '168.63.129.16', '168.63.129.16', 'never'],
  ['metadata of Oracle', '192.0.0.192', '192.0.0.192', 'never'],
  ['link-local', '169.254.1.1', '169.254.1.1', 'never'],
  ['IPv6 link-local', '[fe80::1]', 'fe80::1', 'never'],
  ['multicast', '224.0.0.1', '224.0.0.1', 'never'],
  ['IPv6 multicast', '[ff02::1]', 'ff02::1', 'never'],
  ['broadcast', '255.255.255.255', '255.255.255.255', 'never'],
  ['broadcast as one number', '4294967295', '255.255.255.255', 'never'],
  ['private 10', '10.0.0.1', '10.0.0.1', 'may'],
  ['private 10 as one number', '167772161', '10.0.0.1', 'may'],
  ['private 172', '172.31.255.255', '172.31.255.255', 'may'],
  ['private 192', '192.168.0.1', '192.168.0.1', 'may'],
  ['private, mapped', '[::ffff:10.0.0.1]', '::ffff:10.0.0.1', 'may'],
  ['carrier-grade NAT', '100.64.1.1', '100.64.1.1', 'may'],
  ['unique local', '[fd12::1]', 'fd12::1', 'may'],
  ['site-local', '[fec0::1]', 'fec0::1', 'may'],
  ['documentation 1', '192.0.2.1', '192.0.2.1', 'may'],
  ['documentation 2', '198.51.100.1', '198.51.100.1', 'may'],
  ['documentation 3', '203.0.113.1', '203.0.113.1', 'may'],
  ['IPv6 documentation', '[2001:db8::1]', '2001:db8::1', 'may'],
  ['benchmarks', '198.18.0.1', '198.18.0.1', 'may'],
  ['class E', '240.0.0.1', '240.0.0.1', 'may'],
];

describe('the table of tricks', () => {
  it('has forty rows at least', () => {
    expect(TRICKS.length).toBeGreaterThanOrEqual(40);
    expect(new Set(TRICKS.map(([, host]) => host)).size).toBe(TRICKS.length);
  });

  it.each(TRICKS)('a URL never leads to %s', async (_name, host) => {
    const names = new FakeNames();

    expect(await attempt({ kind: 'url', url: `https://${host}/latest/meta-data/` }, names)).toEqual(REFUSED);
    expect(names.asked).toEqual([]);
  });

  it.each(TRICKS)('a URL whose name resolves to it never leads to %s', async (_name, _host, address) => {
    const names = new FakeNames();
    names.set('bot.example', address);

    expect(await attempt({ kind: 'url', url: 'https://bot.example/' }, names)).toEqual(REFUSED);
  });

  it.each(TRICKS)('a Service leads to %s only where Services may be', async (_name, _host, address, service) => {
    const names = new FakeNames();
    names.set(SERVICE_NAME, address);

    expect(await attempt(SERVICE, names)).toEqual(service === 'may' ? [address] : REFUSED);
  });

  it.each(TRICKS)('of a name that leads to a good place and to %s, only the good ones are dialled', async (_name, _host, address) => {
    const names = new FakeNames();
    names.set('bot.example', address, '8.8.8.8', '2606:4700::1111', address);

    expect(await attempt({ kind: 'url', url: 'https://bot.example/' }, names)).toEqual(['8.8.8.8', '2606:4700::1111']);
  });
});

describe('names and parts of a URL', () => {
  it.each([
    ['localhost', 'localhost', 'localhost', '127.0.0.1'],
    ['localhost with a dot', 'localhost.', 'localhost.', '127.0.0.1'],
    ['localhost in capitals', 'LOCALHOST', 'localhost', '::1'],
    ['the cloud’s own name', 'metadata.google.internal', 'metadata.google.internal', '169.254.169.254'],
    ['the cloud’s own name, absolute', 'metadata.google.internal.', 'metadata.google.internal.', 'fd20:ce::254'],
    ['a wildcard DNS of addresses', '169.254.169.254.nip.example', '169.254.169.254.nip.example', '169.254.169.254'],
    ['the API server', 'kubernetes.default.svc', 'kubernetes.default.svc', '10.96.0.1'],
    ['an international name', 'ｌｏｃａｌｈｏｓｔ', 'localhost', '127.0.0.1'],
  ])('%s is resolved, and what it leads to is guarded', async (_name, host, asked, address) => {
    const names = new FakeNames();
    names.set(asked, address);

    expect(await attempt({ kind: 'url', url: `https://${host}/` }, names)).toEqual(REFUSED);
    expect(names.asked).toEqual([asked]);
  });

  it.each([
    ['a user name that looks like the host', 'https://bot.example@127.0.0.1/'],
    ['a password', 'https://bot.example:443@127.0.0.1/'],
    ['a zone', 'https://[fe80::1%25eth0]/'],
    ['a bare zone', 'https://[fe80::1%eth0]/'],
    ['a number beyond an address', 'https://4294967296/'],
    ['a part beyond a byte', 'https://127.0.0.256/'],
    ['plain http', 'http://169.254.169.254/'],
    ['a file', 'file:///etc/passwd'],
    ['gopher', 'gopher://127.0.0.1:6379/_x'],
    ['a line break', 'https://bot.example\r\nHost: x/'.replace('https', 'http')],
  ])('with %s it is refused before anything is resolved', async (_name, url) => {
    const names = new FakeNames();

    expect(await attempt({ kind: 'url', url }, names)).toMatch(/^the backend URL /);
    expect(names.asked).toEqual([]);
  });

  it.each([
    ['a fragment that holds another host', 'https://bot.example#@127.0.0.1/'],
    ['a query that holds another host', 'https://bot.example?@127.0.0.1/'],
    ['a backslash', 'https://bot.example\\@127.0.0.1/'],
    ['a path that holds another host', 'https://bot.example/https://127.0.0.1/'],
  ])('with %s it leads to its own host', async (_name, url) => {
    const names = new FakeNames();
    names.set('bot.example', '8.8.8.8');

    expect(await attempt({ kind: 'url', url }, names)).toEqual(['8.8.8.8']);
    expect(names.asked).toEqual(['bot.example']);
  });
});
