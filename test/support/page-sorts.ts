import { UNSUBSCRIBE_FINALIZER } from '../../src/api/v1alpha1/constants.js';
import { messengerPage, secret } from './page-manifests.js';
import { NAMESPACE, type PageAccount, type PageWorld } from './page-world.js';

/** A finalizer of another program, on the page `guarded`. */
export const FOREIGN_FINALIZER = 'example.com/keep';

/**
 * Twenty pages of all sorts: how each came to be, and what an uninstall with --unsubscribe does to
 * it.
 */
export interface Sort {
  readonly account: PageAccount;
  readonly graph: string | undefined;
  readonly row: 'none' | 'kept';
}

/** Makes them, and waits until each is as it is to be. */
export async function pagesOfAllSorts(world: PageWorld): Promise<readonly Sort[]> {
  const sort = (account: PageAccount, graph: string | undefined, row: Sort['row']): Sort => ({ account, graph, row });
  const plain = await Promise.all(Array.from({ length: 10 }, (_, i) => world.readyPage(`plain-${i}`)));
  const [retained, suspended, dead, forgotten, guarded, failing, changed] = await Promise.all([
    world.readyPage('retained', { deletionPolicy: 'Retain' }),
    world.readyPage('suspended'),
    world.readyPage('dead'),
    world.readyPage('forgotten'),
    world.readyPage('guarded'),
    world.readyPage('failing'),
    world.readyPage('changed'),
  ]);
  await world.patchPage(suspended.place, { suspend: true });
  await world.patchPage(changed.place, { deletionPolicy: 'Retain' });
  await world.patchPage(changed.place, { deletionPolicy: null });
  await world.cluster.admin.patch(world.path(guarded.place), { metadata: { finalizers: [UNSUBSCRIBE_FINALIZER, FOREIGN_FINALIZER] } });
  const rival = { place: { name: 'rival', namespace: NAMESPACE }, pageId: plain[0]?.pageId ?? '', alias: 'plain-0-1', token: '' };
  const observed = world.newPage('observed');
  const lost = world.newPage('lost');
  await world.apply(
    messengerPage(rival.place, {
      pageId: rival.pageId,
      appRef: { name: 'main' },
      accessTokenSecretRef: { name: plain[0]?.place.name ?? '' },
    }),
    ...world.pageManifests(observed, { managementPolicy: 'Observe' }),
    secret(lost.place, { token: 'EAAcanaryofnoapp0123456789' }),
    messengerPage(lost.place, { pageId: lost.pageId, appRef: { name: 'main' } }),
  );
  await world.condition(rival.place, 'Claimed', { status: 'False', reason: 'PageClaimed' });
  await world.condition(observed.place, 'Subscribed', { status: 'False', reason: 'Observed' });
  await world.kubectl(['delete', 'secret', forgotten.place.name, '-n', NAMESPACE]);
  return [
    ...plain.map((account) => sort(account, 'unsubscribed', 'none')),
    sort(retained, 'nothing to do', 'kept'),
    sort(suspended, 'unsubscribed', 'none'),
    sort(dead, 'left subscribed', 'kept'),
    sort(forgotten, 'left subscribed', 'kept'),
    sort(guarded, 'unsubscribed', 'none'),
    sort(failing, 'left subscribed', 'kept'),
    sort(changed, 'unsubscribed', 'none'),
    // None of these ever wrote to Graph: they have no finalizer, and no test asks for them.
    sort(rival, undefined, 'none'),
    sort(observed, undefined, 'none'),
    sort(lost, undefined, 'none'),
  ];
}
