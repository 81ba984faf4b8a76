import { describe, expect, it } from '@jest/globals';
import { ClusterUnavailableError, TransientError } from '../../../../src/core/domain/errors.js';
import { aPage, aSettledWorld, aWorld, SHOP } from '../support/world.js';

const SECOND = { namespace: 'bots', name: 'second' };

describe('what comes late', () => {
  it('does not take back that a page is Stalled when another process begins to lead', async () => {
    const world = aWorld({ page: aPage({ backend: { service: { name: 'nowhere', port: 1 } } }) });
    await world.settle();
    await world.advance(130_000);
    expect(world.condition('Stalled')?.reason).toBe('BackendNotFound');
    const written = world.pages.statusWrites.length;

    world.restart();
    await world.settle();
    await world.advance(130_000);

    expect(world.pages.statusWrites).toHaveLength(written);
    expect(world.condition('Reconciling')).toBeUndefined();
  });

  it('unsubscribes a deleted page whose subscription Graph took and does not show yet', async () => {
    const world = aWorld();
    world.graph.lagReads = 1_000;
    await world.settle();
    expect(world.graph.writes).toEqual(['POST 1001 messages,messaging_postbacks']);

    world.pages.delete(SHOP);
    world.graph.lagReads = 0;
    await world.settle();
    await world.advance(10_000);

    expect(world.pages.find(SHOP)).toBeUndefined();
    expect(world.graph.fieldsOf('1001')).toBeUndefined();
  });

  it('leaves the row alone when a deleted page has lost the claim to one whose token is dead by now', async () => {
    const world = await aSettledWorld();
    world.graph.addToken('token-2', '1001');
    world.graph.addToken('of-another-page', '2002');
    world.pages.create(aPage({ accessTokenSecretRef: { name: 'second' } }, { name: 'second' }));
    world.secrets.put('bots/second', { token: 'token-2' });
    world.secrets.put('bots/shop', { token: 'of-another-page' });
    await world.settle();
    await world.advance(660_000, 30_000);
    expect(world.pages.require(SECOND).status?.claim).toMatchObject({ state: 'Held', epoch: 2 });
    world.graph.revoke('token-2');

    world.pages.delete(SHOP);
    await world.settle();
    await world.advance(10_000);

    expect(world.pages.find(SHOP)).toBeUndefined();
    expect(world.graph.writes.filter((write) => write.startsWith('DELETE'))).toEqual([]);
    expect(world.pages.require(SECOND).metadata.finalizers).toContain('messenger-operator.dev/unsubscribe');
  });

  it('gives no claim to a page that has the name of one that is gone and is of another Page', async () => {
    const world = await aSettledWorld();
    world.pages.delete(SHOP);
    await world.settle();
    world.pages.create(aPage({}, { name: 'second' }));
    world.pages.lagging = true;
    world.pages.delete(SECOND);
    world.pages.create(aPage({ pageId: '1009' }, { name: 'second' }));

    await world.settle();

    expect(world.pages.require(SECOND).status?.claim).toBeUndefined();
  });

  it('does not unsubscribe once more for a page that it has released and somebody else holds back', async () => {
    const world = await aSettledWorld();
    world.pages.update(SHOP, (page) => ({
      ...page,
      metadata: { ...page.metadata, finalizers: [...(page.metadata.finalizers ?? []), 'example.com/hold'] },
    }));
    world.pages.delete(SHOP);
    world.pages.lagging = true;
    await world.settle();
    expect(world.pages.require(SHOP).metadata.finalizers).toEqual(['example.com/hold']);
    world.graph.setFields('1001', ['messages']);

    await expect(world.reconcile()).rejects.toThrow('was released');

    expect(world.graph.fieldsOf('1001')).toEqual(['messages']);
  });

  it('still says when it wrote after the answer to a status was lost', async () => {
    const world = aWorld();
    let lost = false;
    world.pages.lagging = true;
    world.pages.after = (operation) => {
      if (operation !== 'status' || lost || world.graph.writes.length === 0) return;
      lost = true;
      throw new ClusterUnavailableError('no answer');
    };
    await world.settle();
    world.graph.failWith.set('pageInfo', new TransientError('GraphUnavailable', 'no name now'));
    await world.advance(30_000);
    world.pages.deliver();
    await world.settle();

    expect(lost).toBe(true);
    expect(world.ready()).toBe('True');
    expect(world.pages.require(SHOP).status).toMatchObject({ lastWriteTime: expect.any(String), pageName: 'Page 1001' });
  });

  it('unsubscribes a deleted page whose policy was changed from Retain while it went', async () => {
    const world = await aSettledWorld({ page: aPage({ deletionPolicy: 'Retain' }) });
    world.pages.delete(SHOP);
    world.pages.lagging = true;
    world.pages.update(SHOP, (page) => ({ ...page, spec: { ...page.spec, deletionPolicy: 'Unsubscribe' } }));
    await world.settle();

    world.pages.deliver();
    await world.settle();
    await world.advance(10_000);

    expect(world.pages.find(SHOP)).toBeUndefined();
    expect(world.graph.fieldsOf('1001')).toBeUndefined();
  });

  it('restores a row that keeps vanishing within ten minutes, whoever leads by then', async () => {
    const world = await aSettledWorld();
    for (let times = 0; times < 2; times++) {
      world.graph.setFields('1001', undefined);
      await world.reconcile();
    }
    expect(world.condition('Subscribed')?.reason).toBe('Contested');

    world.restart();
    await world.settle();
    await world.advance(10_000);

    expect(world.graph.fieldsOf('1001')).toEqual(['messages', 'messaging_postbacks']);
  });

  it('goes on leaving a contested row alone for an hour, whoever leads by then', async () => {
    const world = await aSettledWorld();
    for (let change = 0; change < 5; change++) {
      world.graph.setFields('1001', ['feed']);
      await world.reconcile();
    }
    const writes = world.graph.writes.length;
    expect(world.condition('Subscribed')?.reason).toBe('Contested');

    world.restart();
    await world.advance(50 * 60_000, 5 * 60_000);
    expect(world.graph.writes).toHaveLength(writes);
    await world.advance(60 * 60_000, 5 * 60_000);

    expect(world.graph.fieldsOf('1001')).toEqual(['messages', 'messaging_postbacks']);
  });

  it('gives no claim to a page that was never proven because its wrong token is gone', async () => {
    const world = aWorld();
    world.graph.addToken('token-1', '1002');
    await world.settle();
    await world.advance(2_000);
    expect(world.condition('Claimed')?.reason).toBe('NotProven');

    world.secrets.drop('bots/shop');
    await world.settle();

    expect(world.condition('TokenValid')?.reason).toBe('SecretNotFound');
    expect(world.pages.require(SHOP).status?.claim?.state).toBe('Waiting');
  });
});
