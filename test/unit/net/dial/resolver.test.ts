import { describe, expect, it } from '@jest/globals';
import { CachedResolver } from '../../../../src/net/dial/resolver.js';
import { FakeClock } from '../../../support/fake-clock.js';
import { FakeNames } from '../fakes.js';

function aResolver(): { clock: FakeClock; names: FakeNames; resolver: CachedResolver } {
  const clock = new FakeClock();
  const names = new FakeNames();
  return { clock, names, resolver: new CachedResolver({ source: names, clock }) };
}

describe('CachedResolver', () => {
  it('gives IPv4 first and asks again only when the record has expired', async () => {
    const { clock, names, resolver } = aResolver();
    names.set('bot.example', '2606::1', '8.8.8.8', '8.8.4.4');

    expect(await resolver.resolve('bot.example', true)).toEqual(['8.8.8.8', '8.8.4.4', '2606::1']);
    await clock.advance(4_999);
    await resolver.resolve('bot.example', true);
    expect(names.asked).toHaveLength(1);
    await clock.advance(1);
    names.set('bot.example', '9.9.9.9');
    expect(await resolver.resolve('bot.example', true)).toEqual(['9.9.9.9']);
  });

  it('asks once for many at a time', async () => {
    const { names, resolver } = aResolver();
    names.set('bot.example', '8.8.8.8');

    await Promise.all(Array.from({ length: 100 }, () => resolver.resolve('bot.example', true)));

    expect(names.asked).toHaveLength(1);
  });

  it('waits a second for an answer and no longer', async () => {
    const { clock, names, resolver } = aResolver();
    names.hanging = true;
    let failed: unknown;
    resolver.resolve('bot.example', true).catch((error: unknown) => (failed = error));

    await clock.advance(999);
    expect(failed).toBeUndefined();
    await clock.advance(1);
    expect(failed).toMatchObject({ why: 'no_answer' });
  });

  it('serves what it knew for a minute while nobody answers, but not once the name is gone', async () => {
    const { clock, names, resolver } = aResolver();
    names.set('bot.example', '8.8.8.8');
    await resolver.resolve('bot.example', true);

    names.failing = 'ETIMEOUT';
    await clock.advance(59_000);
    expect(await resolver.resolve('bot.example', true)).toEqual(['8.8.8.8']);
    await clock.advance(1_000);
    await expect(resolver.resolve('bot.example', true)).rejects.toMatchObject({ why: 'no_answer' });

    names.failing = undefined;
    await resolver.resolve('bot.example', true);
    await clock.advance(5_000);
    names.failing = 'ENOTFOUND';
    await expect(resolver.resolve('bot.example', true)).rejects.toMatchObject({ why: 'no_such_name' });
  });

  it('refuses an alias where none is allowed: a Service of type ExternalName', async () => {
    const { names, resolver } = aResolver();
    names.set('bot.bots.svc.cluster.local.', '10.0.0.1');
    names.aliases.set('bot.bots.svc.cluster.local.', ['elsewhere.example']);

    await expect(resolver.resolve('bot.bots.svc.cluster.local.', false)).rejects.toMatchObject({ why: 'alias' });
    expect(await resolver.resolve('bot.bots.svc.cluster.local.', true)).toEqual(['10.0.0.1']);
  });
});
