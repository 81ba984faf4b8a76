import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { systemClock } from '../../../../src/kit/clock.js';
import { CachedResolver, createCaresSource, MAX_NAMES } from '../../../../src/net/dial/resolver.js';
import { DnsServer } from '../../../support/dns-server.js';
import { FakeClock } from '../../../support/fake-clock.js';
import { FakeNames } from '../fakes.js';

const SERVICE = 'bot.bots.svc.cluster.local';

let dns: DnsServer;
let resolver: CachedResolver;

beforeEach(async () => {
  dns = await DnsServer.start();
  resolver = new CachedResolver({ source: createCaresSource([dns.address]), clock: systemClock });
});

afterEach(() => dns.stop());

/** How long it took, in milliseconds, and what it came to. */
async function timed(name: string, aliases = true): Promise<{ readonly ms: number; readonly why: unknown }> {
  const began = performance.now();
  const why = await resolver.resolve(name, aliases).catch((error: unknown) => (error as { why?: unknown }).why);
  return { ms: performance.now() - began, why };
}

describe('names asked of a real DNS server', () => {
  it('have the addresses of both families, IPv4 first', async () => {
    dns.zone.set('bot.example', { addresses: ['2606:4700::1111', '8.8.8.8', '8.8.4.4'] });

    expect(await resolver.resolve('bot.example', true)).toEqual(['8.8.8.8', '8.8.4.4', '2606:4700:0:0:0:0:0:1111'].map(short));
    expect([...dns.asked].sort()).toEqual(['A bot.example', 'AAAA bot.example']);
  });

  it('are asked as they are, nothing is added to a name that ends in a dot or has none', async () => {
    dns.zone.set(SERVICE, { addresses: ['10.96.0.7'] });

    expect(await resolver.resolve(`${SERVICE}.`, false)).toEqual(['10.96.0.7']);
    await expect(resolver.resolve('bot', true)).rejects.toMatchObject({ why: 'no_such_name' });

    expect(new Set(dns.asked.map((line) => line.split(' ')[1]))).toEqual(new Set([SERVICE, 'bot']));
  });

  it.each([
    ['does not exist', undefined, 'no_such_name'],
    ['has no address', { addresses: [] }, 'no_such_name'],
    ['cannot be answered', { fails: ['A', 'AAAA'] }, 'no_answer'],
    ['cannot be answered for one family and has none of the other', { fails: ['A'] }, 'no_answer'],
  ] as const)('fail at once where the name %s', async (_name, zone, why) => {
    if (zone !== undefined) dns.zone.set('bot.example', zone);

    const result = await timed('bot.example');

    expect(result.why).toBe(why);
    expect(result.ms).toBeLessThan(900);
  });

  it('serve with one family where the other one cannot be answered', async () => {
    dns.zone.set('bot.example', { addresses: ['8.8.8.8'], fails: ['AAAA'] });

    expect(await resolver.resolve('bot.example', true)).toEqual(['8.8.8.8']);
  });

  it('are given up after a second, while others are answered at once', async () => {
    for (let i = 0; i < 100; i++) dns.zone.set(`hanging-${i}.example`, { hangs: ['A', 'AAAA'] });
    dns.zone.set('bot.example', { addresses: ['8.8.8.8'] });
    const hanging = Array.from({ length: 100 }, (_, i) => timed(`hanging-${i}.example`));

    const good = await timed('bot.example');

    expect(good).toMatchObject({ why: ['8.8.8.8'] });
    expect(good.ms).toBeLessThan(900);
    for (const { ms, why } of await Promise.all(hanging)) {
      expect(why).toBe('no_answer');
      expect(ms).toBeGreaterThan(900);
      expect(ms).toBeLessThan(4_000);
    }
  });

  it('are followed through an alias for a URL, and refused for a Service: it is an ExternalName', async () => {
    dns.zone.set('bot.example', { alias: 'real.example' });
    dns.zone.set(SERVICE, { alias: 'real.example' });
    dns.zone.set('real.example', { addresses: ['8.8.8.8'] });

    expect(await resolver.resolve('bot.example', true)).toEqual(['8.8.8.8']);
    await expect(resolver.resolve(`${SERVICE}.`, false)).rejects.toMatchObject({ why: 'alias' });
  });

  it.each(['fails', 'hangs'] as const)('are refused for a Service while the question for an alias %s', async (how) => {
    dns.zone.set(SERVICE, { addresses: ['8.8.8.8'], [how]: ['CNAME'] });

    await expect(resolver.resolve(`${SERVICE}.`, false)).rejects.toMatchObject({ why: 'no_answer' });
  });

  it('are asked again over TCP when the answer is too long for UDP', async () => {
    const addresses = Array.from({ length: 60 }, (_, i) => `8.8.8.${i + 1}`);
    dns.zone.set('bot.example', { addresses, truncated: true });

    expect(await resolver.resolve('bot.example', true)).toEqual(addresses);
    expect(dns.asked).toContain('A bot.example/tcp');
  });

  it('are known as long as the record says, between one and thirty seconds', async () => {
    const clock = new FakeClock();
    const source = createCaresSource([dns.address]);
    const cached = new CachedResolver({ source, clock });
    const asked = async (name: string, afterMs: number): Promise<boolean> => {
      const before = dns.asked.length;
      await clock.advance(afterMs);
      await cached.resolve(name, true);
      return dns.asked.length > before;
    };
    dns.zone.set('zero.example', { addresses: ['8.8.8.8'], ttl: 0 });
    dns.zone.set('ten.example', { addresses: ['8.8.8.8'], ttl: 10 });
    dns.zone.set('day.example', { addresses: ['8.8.8.8'], ttl: 86_400 });

    for (const [name, knownMs] of [
      ['zero.example', 1_000],
      ['ten.example', 10_000],
      ['day.example', 30_000],
    ] as const) {
      expect(await asked(name, 0)).toBe(true);
      expect(await asked(name, knownMs - 1)).toBe(false);
      expect(await asked(name, 1)).toBe(true);
    }
  });

  it('lead elsewhere as soon as the record has expired', async () => {
    const clock = new FakeClock();
    const cached = new CachedResolver({ source: createCaresSource([dns.address]), clock });
    dns.zone.set('bot.example', { addresses: ['8.8.8.8'], ttl: 5 });
    await cached.resolve('bot.example', true);
    dns.zone.set('bot.example', { addresses: ['9.9.9.9'], ttl: 5 });

    await clock.advance(5_000);

    expect(await cached.resolve('bot.example', true)).toEqual(['9.9.9.9']);
  });
});

describe('the cache of names', () => {
  it('is bounded: the oldest name is asked anew', async () => {
    const names = new FakeNames();
    const cached = new CachedResolver({ source: names, clock: new FakeClock() });
    for (let i = 0; i <= MAX_NAMES; i++) {
      names.set(`bot-${i}.example`, '8.8.8.8');
      await cached.resolve(`bot-${i}.example`, true);
    }
    names.asked = [];

    await cached.resolve(`bot-${MAX_NAMES}.example`, true);
    await cached.resolve('bot-1.example', true);
    expect(names.asked).toEqual([]);
    await cached.resolve('bot-0.example', true);
    expect(names.asked).toEqual(['bot-0.example']);
  });
});

/** As c-ares writes it. */
function short(address: string): string {
  return address.replace(/:0:0:0:0:0:/, '::');
}
