import { describe, expect, it } from '@jest/globals';
import { parseBackendAllow, refuseAddress } from '../../../../src/net/dial/address-guard.js';
import { ALLOW_NOTHING } from '../../../support/backend-allow.js';

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
