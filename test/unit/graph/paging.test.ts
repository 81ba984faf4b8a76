import { describe, expect, it } from '@jest/globals';
import { TransientError } from '../../../src/core/domain/errors.js';
import { collectPages } from '../../../src/graph/paging.js';
import { rejection } from './world.js';

/**
 * Reads the given bodies one after the other and tells with which parameters each was asked for.
 */
async function pagesOf(bodies: readonly unknown[]): Promise<unknown[]> {
  const asked: unknown[] = [];
  await collectPages((after) => {
    asked.push(after);
    return Promise.resolve(bodies[asked.length - 1]);
  });
  return asked;
}

const next = 'https://graph.facebook.com/v25.0/1/x?access_token=EAAsecret&limit=25&after=FROM_URL';

describe('collectPages', () => {
  it('goes on by the cursor as long as there is a next, also behind an empty page', async () => {
    const more = (after: string) => ({ data: [], paging: { cursors: { after }, next } });
    expect(await pagesOf([more('a'), more('b'), { data: [1], paging: { cursors: { after: 'c' } } }])).toEqual([
      {},
      { after: 'a' },
      { after: 'b' },
    ]);
  });

  it('takes nothing but the cursor out of a link', async () => {
    expect(await pagesOf([{ data: [], paging: { next } }, {}])).toEqual([{}, { after: 'FROM_URL' }]);
  });

  it.each([[{}], [{ paging: {} }], [{ paging: null }], [undefined]])('ends with %j', async (body) => {
    expect(await pagesOf([body])).toEqual([{}]);
  });

  it.each([
    [{ paging: 'x' }],
    [{ paging: { next: 'nonsense' } }],
    [{ paging: { next: 7 } }],
    [{ paging: { next: {} } }],
    [{ paging: { next: 'https://x.example/' } }],
    [{ paging: { next, cursors: [] } }],
    [{ paging: { next, cursors: { after: {} } } }],
    [{ paging: { next, cursors: { after: '' } } }],
  ])('does not take %j, which leads nowhere, for the end', async (body) => {
    expect(await rejection(pagesOf([body]))).toBeInstanceOf(TransientError);
  });

  it('fails where the cursor stays the same, and where the pages never end', async () => {
    const same = { paging: { cursors: { after: 'a' }, next } };
    expect(await rejection(pagesOf([same, same, same]))).toBeInstanceOf(TransientError);
    let number = 0;
    const endless = collectPages(() => Promise.resolve({ paging: { cursors: { after: String((number += 1)) }, next } }));
    expect(await rejection(endless)).toBeInstanceOf(TransientError);
    expect(number).toBe(40);
  });
});
