import { describe, expect, it } from '@jest/globals';
import { classifyAddress } from '../../../../src/net/dial/address-class.js';
import { parseBackendAllow, refuseAddress } from '../../../../src/net/dial/address-guard.js';
import { ALLOW_NOTHING } from '../../../support/backend-allow.js';

describe('classifyAddress', () => {
  it.each([
    ['8.8.8.8', 'public'],
    ['1.1.1.1', 'public'],
    ['2606:4700:4700::1111', 'public'],
    ['::ffff:8.8.8.8', 'public'],
    ['64:ff9b::8.8.8.8', 'public'],
    ['2002:808:808::1', 'public'],
    ['127.0.0.1', 'loopback'],
    ['127.255.255.254', 'loopback'],
    ['::1', 'loopback'],
    ['0:0:0:0:0:0:0:1', 'loopback'],
    ['::ffff:127.0.0.1', 'loopback'],
    ['::ffff:7f00:1', 'loopback'],
    ['::127.0.0.1', 'loopback'],
    ['::ffff:0:127.0.0.1', 'loopback'],
    ['64:ff9b::7f00:1', 'loopback'],
    ['2002:7f00:1::', 'loopback'],
    ['fe80::200:5efe:7f00:1', 'link_local'],
    ['fe80::5efe:808:808', 'link_local'],
    ['fd00::5efe:808:808', 'ula'],
    ['2606:4700::5efe:7f00:1', 'loopback'],
    ['0.0.0.0', 'unspecified'],
    ['0.1.2.3', 'unspecified'],
    ['::', 'unspecified'],
    ['::ffff:0.0.0.0', 'unspecified'],
    ['169.254.1.1', 'link_local'],
    ['fe80::1', 'link_local'],
    ['fe80::1%eth0', 'link_local'],
    ['febf::1', 'link_local'],
    ['169.254.169.254', 'metadata'],
    ['::ffff:169.254.169.254', 'metadata'],
    ['::ffff:a9fe:a9fe', 'metadata'],
    ['64:ff9b::a9fe:a9fe', 'metadata'],
    ['2002:a9fe:a9fe::1', 'metadata'],
    ['169.254.170.2', 'metadata'],
    ['fd00:ec2::254', 'metadata'],
    ['fd20:ce::254', 'metadata'],
    ['100.100.100.200', 'metadata'],
    ['168.63.129.16', 'metadata'],
    ['192.0.0.192', 'metadata'],
    ['10.0.0.1', 'private'],
    ['10.255.255.255', 'private'],
    ['172.16.0.1', 'private'],
    ['172.31.255.255', 'private'],
    ['172.32.0.1', 'public'],
    ['192.168.1.1', 'private'],
    ['::ffff:10.0.0.1', 'private'],
    ['fec0::1', 'private'],
    ['100.64.0.1', 'cgnat'],
    ['100.127.255.255', 'cgnat'],
    ['100.128.0.1', 'public'],
    ['fc00::1', 'ula'],
    ['fdff::1', 'ula'],
    ['224.0.0.1', 'multicast'],
    ['239.255.255.255', 'multicast'],
    ['ff02::1', 'multicast'],
    ['255.255.255.255', 'broadcast'],
    ['240.0.0.1', 'reserved'],
    ['192.0.2.1', 'reserved'],
    ['198.18.0.1', 'reserved'],
    ['198.51.100.1', 'reserved'],
    ['203.0.113.1', 'reserved'],
    ['2001:db8::1', 'reserved'],
    ['100::1', 'reserved'],
    ['64:ff9b:1::a00:1', 'tunnel'],
    ['2001:0:a:b::1', 'tunnel'],
    ['2130706433', 'invalid'],
    ['0x7f000001', 'invalid'],
    ['0177.0.0.1', 'invalid'],
    ['127.1', 'invalid'],
    ['localhost', 'invalid'],
    ['1.2.3.4.5', 'invalid'],
    ['[::1]', 'invalid'],
    ['', 'invalid'],
  ])('%s is %s', (address, expected) => {
    expect(classifyAddress(address)).toBe(expected);
  });
});

describe('refuseAddress', () => {
  const allow = allowing(
    '10.1.0.0/16',
    '192.168.7.7',
    'fd12::/16',
    '100.64.0.0/10',
    'intra.example',
    '*.corp.example',
    '127.0.0.0/8',
    '169.254.0.0/16',
    'fe80::/10',
  );

  it.each([
    ['service', '10.0.0.1', undefined],
    ['service', 'fd00::1', undefined],
    ['service', '100.64.0.1', undefined],
    ['service', '8.8.8.8', undefined],
    ['service', '127.0.0.1', 'loopback'],
    ['service', '::ffff:127.0.0.1', 'loopback'],
    ['service', '169.254.169.254', 'metadata'],
    ['service', '169.254.9.9', 'link_local'],
    ['service', '0.0.0.0', 'unspecified'],
    ['service', '224.0.0.1', 'multicast'],
    ['service', 'ff02::1', 'multicast'],
    ['url', '8.8.8.8', undefined],
    ['url', '10.0.0.1', 'private'],
    ['url', '172.16.0.1', 'private'],
    ['url', '100.64.0.1', 'cgnat'],
    ['url', 'fd00::1', 'ula'],
    ['url', '198.18.0.1', 'reserved'],
    ['url', '127.0.0.1', 'loopback'],
  ] as const)('for a %s backend lets %s be or says why not', (kind, address, expected) => {
    expect(refuseAddress(kind, 'bot.example', address, ALLOW_NOTHING)).toBe(expected);
  });

  it.each([
    ['bot.example', '10.1.2.3', undefined],
    ['bot.example', '::ffff:10.1.2.3', undefined],
    ['bot.example', '10.2.0.1', 'private'],
    ['bot.example', '192.168.7.7', undefined],
    ['bot.example', '192.168.7.8', 'private'],
    ['bot.example', 'fd12::1', undefined],
    ['bot.example', '100.64.9.9', undefined],
    ['intra.example', '10.9.9.9', undefined],
    ['INTRA.example.', '10.9.9.9', undefined],
    ['notintra.example', '10.9.9.9', 'private'],
    ['a.corp.example', '10.9.9.9', undefined],
    ['a.b.corp.example', '10.9.9.9', undefined],
    ['corp.example', '10.9.9.9', 'private'],
    // Never, whatever is listed.
    ['intra.example', '127.0.0.1', 'loopback'],
    ['intra.example', '169.254.169.254', 'metadata'],
    ['intra.example', '100.100.100.200', 'metadata'],
    ['intra.example', 'fe80::1', 'link_local'],
  ] as const)('lets the operator allow private places to %s at %s, and nothing worse', (host, address, expected) => {
    expect(refuseAddress('url', host, address, allow)).toBe(expected);
  });
});

describe('parseBackendAllow', () => {
  it('names every entry that it cannot understand', () => {
    const result = parseBackendAllow([
      '10.0.0.0/33',
      '10.0.0/8',
      'bad host',
      '10.0.0.0/8/8',
      'http://x/',
      '*',
      'fine.example',
      ' ',
      '::1/129',
    ]);

    expect(result.ok).toBe(false);
    expect(result.ok ? [] : result.problems).toHaveLength(7);
  });

  it('takes nothing at all', () => {
    expect(parseBackendAllow([]).ok).toBe(true);
  });
});

function allowing(...entries: string[]): typeof ALLOW_NOTHING {
  const result = parseBackendAllow(entries);
  if (!result.ok) throw new Error(result.problems.join());
  return result.allow;
}
