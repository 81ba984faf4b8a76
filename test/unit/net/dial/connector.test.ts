import { Socket } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import type { BackendTarget } from '../../../../src/core/ports/page-lookup.js';
import { parseBackendAllow } from '../../../../src/net/dial/address-guard.js';
import { connectTo, type DialAddress } from '../../../../src/net/dial/connector.js';
import { endpointOf } from '../../../../src/net/dial/endpoint.js';
import { CachedResolver } from '../../../../src/net/dial/resolver.js';
import { parseServiceMap } from '../../../../src/net/dial/service-map.js';
import { ALLOW_NOTHING } from '../../../support/backend-allow.js';
import { FakeClock } from '../../../support/fake-clock.js';
import { FakeNames } from '../fakes.js';

const SERVICE: BackendTarget = { kind: 'service', namespace: 'bots', name: 'bot', port: 5000, path: '/hook' };
const SERVICE_NAME = 'bot.bots.svc.cluster.local.';

interface Rig {
  readonly names: FakeNames;
  readonly clock: FakeClock;
  readonly dialled: DialAddress[];
  readonly broken: Set<string>;
  readonly connect: (target: BackendTarget | string) => Promise<Socket>;
}

/** Everything but the dialling is real. */
function aRig(set: { allow?: readonly string[]; map?: string } = {}): Rig {
  const names = new FakeNames();
  const clock = new FakeClock();
  const dialled: DialAddress[] = [];
  const broken = new Set<string>();
  const resolver = new CachedResolver({ source: names, clock });
  const parsed = parseBackendAllow(set.allow ?? []);
  const allow = parsed.ok ? parsed.allow : ALLOW_NOTHING;
  const dial = (to: DialAddress): Promise<Socket> => {
    dialled.push(to);
    return broken.has(to.address) ? Promise.reject(new Error('refused')) : Promise.resolve(new Socket());
  };
  const rules = { clusterDomain: 'cluster.local', serviceMap: parseServiceMap(set.map ?? '{}') };
  const connect = async (target: BackendTarget | string): Promise<Socket> => {
    const endpoint = endpointOf(typeof target === 'string' ? { kind: 'url', url: target } : target, rules);
    return connectTo({ resolver, allow, dial }, endpoint);
  };
  return { names, clock, dialled, broken, connect };
}

describe('tricks in a backend URL', () => {
  it.each([
    ['loopback', 'https://127.0.0.1/'],
    ['loopback as one decimal number', 'https://2130706433/'],
    ['loopback in hex', 'https://0x7f000001/'],
    ['loopback in octal', 'https://0177.0.0.1/'],
    ['loopback, short', 'https://127.1/'],
    ['loopback, hex parts', 'https://0x7f.0.0.0x1/'],
    ['loopback with a dot behind', 'https://127.0.0.1./'],
    ['full-width digits', 'https://１２７.０.０.１/'],
    ['circled digits', 'https://①②⑦.⓪.⓪.①/'],
    ['percent-encoded dots', 'https://127%2e0%2e0%2e1/'],
    ['IPv6 loopback', 'https://[::1]/'],
    ['IPv6 loopback, written out', 'https://[0:0:0:0:0:0:0:1]/'],
    ['IPv4-mapped', 'https://[::ffff:127.0.0.1]/'],
    ['IPv4-mapped in hex', 'https://[::ffff:7f00:1]/'],
    ['IPv4-compatible', 'https://[::7f00:1]/'],
    ['NAT64', 'https://[64:ff9b::7f00:1]/'],
    ['local NAT64', 'https://[64:ff9b:1::7f00:1]/'],
    ['6to4', 'https://[2002:7f00:1::]/'],
    ['Teredo', 'https://[2001::7f00:1]/'],
    ['unspecified', 'https://0.0.0.0/'],
    ['zero', 'https://0/'],
    ['unspecified IPv6', 'https://[::]/'],
    ['metadata', 'https://169.254.169.254/latest/meta-data/'],
    ['metadata as one number', 'https://2852039166/'],
    ['metadata, mapped', 'https://[::ffff:169.254.169.254]/'],
    ['IPv6 metadata', 'https://[fd00:ec2::254]/'],
    ['Alibaba’s metadata', 'https://100.100.100.200/'],
    ['link-local', 'https://[fe80::1]/'],
    ['multicast', 'https://224.0.0.1/'],
    ['IPv6 multicast', 'https://[ff02::1]/'],
    ['broadcast', 'https://255.255.255.255/'],
    ['private', 'https://10.0.0.1/'],
    ['private, decimal', 'https://167772161/'],
    ['private 172', 'https://172.20.1.1/'],
    ['private 192', 'https://192.168.0.1/'],
    ['CGNAT', 'https://100.64.1.1/'],
    ['ULA', 'https://[fd12::1]/'],
    ['site-local', 'https://[fec0::1]/'],
  ])('never dials %s', async (_name, url) => {
    const { connect, dialled } = aRig();

    await expect(connect(url)).rejects.toThrow('not allowed');
    expect(dialled).toEqual([]);
  });

  it.each([
    ['localhost', 'localhost', '127.0.0.1'],
    ['localhost with a dot', 'localhost.', '127.0.0.1'],
    ['a name of localhost’s', 'x.localhost', '::1'],
    ['a public name of a private place', 'nip.example', '10.0.0.1'],
    ['a public name of loopback', 'lo.example', '127.0.0.1'],
    ['a public name of metadata', 'md.example', '169.254.169.254'],
    ['a public name of mapped metadata', 'md6.example', '::ffff:169.254.169.254'],
    ['a Service by its name', 'kubernetes.default.svc.cluster.local', '10.96.0.1'],
  ])('never dials what %s resolves to', async (_name, host, address) => {
    const { connect, dialled, names } = aRig();
    names.set(host, address);

    await expect(connect(`https://${host}/`)).rejects.toThrow('not allowed');
    expect(dialled).toEqual([]);
  });

  it.each([
    ['http', 'http://bot.example/'],
    ['credentials', 'https://user:secret@bot.example/'],
    ['another scheme', 'ftp://bot.example/'],
    ['no URL', 'bot.example'],
    ['an empty one', ''],
  ])('refuses %s before anything is resolved', async (_name, url) => {
    const { connect, names } = aRig();

    await expect(connect(url)).rejects.toThrow('the backend URL');
    expect(names.asked).toEqual([]);
  });
});

describe('what is dialled', () => {
  it('is the address that was checked, with the name for the certificate', async () => {
    const { connect, dialled, names } = aRig();
    names.set('bot.example', '8.8.8.8');

    await connect('https://bot.example:8443/hook');

    expect(dialled).toEqual([{ address: '8.8.8.8', port: 8443, tlsName: 'bot.example' }]);
  });

  it('is only the good one of a good and a bad address', async () => {
    const { connect, dialled, names, broken } = aRig();
    names.set('dual.example', '127.0.0.1', '8.8.8.8', '::1');
    broken.add('8.8.8.8');

    await expect(connect('https://dual.example/')).rejects.toThrow('refused');
    expect(dialled.map(({ address }) => address)).toEqual(['8.8.8.8']);
  });

  it('is checked anew when a name is bound to another place', async () => {
    const { connect, dialled, names, clock } = aRig();
    names.set('rebind.example', '8.8.8.8');
    await connect('https://rebind.example/');
    names.set('rebind.example', '127.0.0.1');

    await connect('https://rebind.example/');
    await clock.advance(5_000);
    await expect(connect('https://rebind.example/')).rejects.toThrow('not allowed');

    expect(dialled.map(({ address }) => address)).toEqual(['8.8.8.8', '8.8.8.8']);
  });

  it('is the next address if one does not answer, three at most', async () => {
    const { connect, dialled, names, broken } = aRig();
    names.set('many.example', '8.0.0.1', '8.0.0.2', '8.0.0.3', '8.0.0.4');
    for (const address of ['8.0.0.1', '8.0.0.2', '8.0.0.3']) broken.add(address);

    await expect(connect('https://many.example/')).rejects.toThrow('refused');
    expect(dialled).toHaveLength(3);
    broken.delete('8.0.0.3');
    await connect('https://many.example/');
  });

  it('may be private if the operator allows it', async () => {
    const { connect, dialled } = aRig({ allow: ['10.0.0.0/8'] });

    await connect('https://10.1.2.3/');

    expect(dialled).toEqual([{ address: '10.1.2.3', port: 443, tlsName: '10.1.2.3' }]);
  });

  it('is a Service by its absolute name, in a private place, without TLS', async () => {
    const { connect, dialled, names } = aRig();
    names.set(SERVICE_NAME, '10.96.0.7');

    await connect(SERVICE);

    expect(names.asked).toEqual([SERVICE_NAME]);
    expect(dialled).toEqual([{ address: '10.96.0.7', port: 5000, tlsName: undefined }]);
  });

  it.each(['127.0.0.1', '169.254.169.254', '::1', '0.0.0.0', '224.0.0.1', 'fe80::1'])(
    'is never %s, not even for a Service',
    async (address) => {
      const { connect, dialled, names } = aRig();
      names.set(SERVICE_NAME, address);

      await expect(connect(SERVICE)).rejects.toThrow('not allowed');
      expect(dialled).toEqual([]);
    },
  );

  it('is nothing for a Service that is an alias', async () => {
    const { connect, dialled, names } = aRig();
    names.set(SERVICE_NAME, '8.8.8.8');
    names.aliases.set(SERVICE_NAME, ['elsewhere.example']);

    await expect(connect(SERVICE)).rejects.toThrow('alias');
    expect(dialled).toEqual([]);
  });

  it('is what the service map says, loopback too', async () => {
    const { connect, dialled } = aRig({
      map: '{"bots/bot:5000": "127.0.0.1:6001", "bots/other:80": "localhost:6002", "bots/six:80": "[::1]:6003"}',
    });

    await connect(SERVICE);
    await connect({ ...SERVICE, name: 'other', port: 80 });
    await connect({ ...SERVICE, name: 'six', port: 80 });

    expect(dialled.map(({ address, port }) => `${address} ${port}`)).toEqual(['127.0.0.1 6001', '127.0.0.1 6002', '::1 6003']);
  });
});

describe('parseServiceMap', () => {
  it.each([
    ['not JSON', '{', 'not JSON'],
    ['a list', '[]', 'must be a JSON object'],
    ['a key without a port', '{"bots/bot": "127.0.0.1:1"}', 'namespace/name:port'],
    ['an address without a port', '{"bots/bot:80": "127.0.0.1"}', 'host:port'],
    ['a port out of range', '{"bots/bot:80": "127.0.0.1:70000"}', 'host:port'],
    ['a number', '{"bots/bot:80": 80}', 'host:port'],
  ])('refuses %s', (_name, text, problem) => {
    expect(() => parseServiceMap(text)).toThrow(problem);
  });
});
