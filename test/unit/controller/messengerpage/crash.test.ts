import { describe, expect, it } from '@jest/globals';
import { aPage, aSettledWorld, aWorld, SHOP, type World } from '../support/world.js';

class Crash extends Error {}

/**
 * The `n`-th operation of cluster or Graph is the last one of this process: before it has an
 * effect, or before its answer.
 */
function crashAt(world: World, n: number, when: 'before' | 'after'): () => boolean {
  let count = 0;
  let crashed = false;
  const hit = (): void => {
    count += 1;
    if (count < n) return;
    crashed = true;
    throw new Crash();
  };
  const nothing = (): void => undefined;
  world.hook(when === 'before' ? hit : nothing, when === 'after' ? hit : nothing);
  return () => crashed;
}

function startAnew(world: World): void {
  world.hook(
    () => undefined,
    () => undefined,
  );
  world.restart();
}

async function untilCrash(world: World): Promise<void> {
  await world.settle();
}

const points = (max: number): readonly (readonly [number, 'before' | 'after'])[] =>
  Array.from({ length: max }, (_, i) => i + 1).flatMap((n) => [[n, 'before'] as const, [n, 'after'] as const]);

describe('a crash', () => {
  it.each(points(14))('at operation %i (%s it) on the way to Ready does no harm', async (n, when) => {
    const world = aWorld();
    crashAt(world, n, when);
    await untilCrash(world);

    startAnew(world);
    await world.settle();
    await world.advance(10_000);

    expect(world.ready()).toBe('True');
    expect(world.graph.fieldsOf('1001')).toEqual(['messages', 'messaging_postbacks']);
    expect(world.graph.writes.length).toBeLessThanOrEqual(2);
    expect(world.pages.require(SHOP).status?.claim).toMatchObject({ state: 'Held', epoch: 1 });
    expect(world.reasons()).not.toContain('Adopted');
    expect(world.reasons()).not.toContain('DriftRepaired');
  });

  it.each(points(8))('at operation %i (%s it) of a deletion does no harm', async (n, when) => {
    const world = await aSettledWorld();
    crashAt(world, n, when);
    world.pages.delete(SHOP);
    await untilCrash(world);

    startAnew(world);
    await world.settle();
    await world.advance(10_000);

    expect(world.pages.find(SHOP)).toBeUndefined();
    expect(world.graph.fieldsOf('1001')).toBeUndefined();
    expect(world.graph.writes.filter((write) => write.startsWith('DELETE')).length).toBeLessThanOrEqual(2);
    expect(world.reasons()).not.toContain('LeftSubscribed');
  });

  it.each(points(12))('at operation %i (%s it) of a hand-over leaves one holder and no unsubscribe', async (n, when) => {
    const world = await aSettledWorld();
    const second = { namespace: 'bots', name: 'second' };
    world.pages.create(aPage({}, { name: 'second' }));
    await world.settle();
    crashAt(world, n, when);
    world.pages.delete(SHOP);
    await untilCrash(world);

    startAnew(world);
    await world.settle();
    await world.advance(10_000);

    expect(world.pages.live.filter(({ status }) => status?.claim?.state === 'Held').map(({ metadata }) => metadata.name)).toEqual([
      'second',
    ]);
    expect(world.graph.writes).toHaveLength(1);
    expect(world.ready(second)).toBe('True');
  });
});
