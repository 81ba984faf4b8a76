import { describe, expect, it } from '@jest/globals';
import { UNSUBSCRIBE_FINALIZER } from '../../../../src/api/v1alpha1/constants.js';
import type { MessengerPage } from '../../../../src/api/v1alpha1/types.gen.js';
import { assertMayWrite } from '../../../../src/controller/messengerpage/graph-write.js';
import { NotLeaderError, StaleReadError } from '../../../../src/core/domain/errors.js';
import type { FinalizerWriter } from '../../../../src/runtime/ports.js';
import { aPage } from '../support/world.js';

const { signal } = new AbortController();
const OWN = { uid: 'uid-1', generation: 3, finalizers: [UNSUBSCRIBE_FINALIZER] };
const CLAIM = { appId: '151', pageId: '1001', state: 'Held' as const, epoch: 4 };
const PLANNED: MessengerPage = { ...aPage({}, OWN), status: { claim: CLAIM } };

const finalizers: FinalizerWriter<MessengerPage> = { add: (page) => Promise.resolve(page), remove: () => Promise.resolve() };

/** What comes of a write that was planned from `PLANNED` when the page, live, is this. */
function write(live: MessengerPage | undefined, check = (): void => undefined): Promise<void> {
  const deps = { livePages: { get: () => Promise.resolve(live) }, finalizers, fence: { check } };
  return assertMayWrite(deps, PLANNED, { epoch: CLAIM.epoch, signal });
}

const withMetadata = (metadata: Partial<MessengerPage['metadata']>): MessengerPage => ({
  ...PLANNED,
  metadata: { ...PLANNED.metadata, ...metadata },
});
const withClaim = (claim: Partial<typeof CLAIM> | { readonly state: 'Waiting' }): MessengerPage => ({
  ...PLANNED,
  status: { claim: { ...CLAIM, ...claim } },
});

describe('a write to Graph', () => {
  it('is made when the page, read live, is still what the plan was made from', async () => {
    await expect(write(withMetadata({ resourceVersion: '99', labels: { team: 'bots' } }))).resolves.toBeUndefined();
  });

  it.each<[string, MessengerPage | undefined]>([
    ['is gone', undefined],
    ['is another object of that name', withMetadata({ uid: 'uid-2' })],
    ['has another spec', withMetadata({ generation: 4 })],
    ['is being deleted', withMetadata({ deletionTimestamp: '2026-11-23T00:00:00Z' })],
    ['was released', withMetadata({ finalizers: [] })],
    ['has lost its claim', withClaim({ state: 'Waiting' })],
    ['has lost its claim and got it again', withClaim({ epoch: 6 })],
    ['has no claim any more', { ...PLANNED, status: {} }],
  ])('is not made when the page %s', async (_, live) => {
    await expect(write(live)).rejects.toThrow(StaleReadError);
  });

  it('is not made when this process has lost the lease while the page was read', async () => {
    const lost = (): never => {
      throw new NotLeaderError();
    };

    await expect(write(PLANNED, lost)).rejects.toThrow(NotLeaderError);
  });
});
