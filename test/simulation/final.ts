import { IN_USE_FINALIZER, UNSUBSCRIBE_FINALIZER } from '../../src/api/v1alpha1/constants.js';
import type { MessengerPage } from '../../src/api/v1alpha1/types.gen.js';
import { findCondition } from '../../src/runtime/conditions.js';
import { hasFinalizer, isBeingDeleted } from '../../src/runtime/finalizers.js';
import type { Stored } from './api-server.js';
import { appOf, appWorks, claimKey, consents, fieldsOf, goodToken, heldPages, isProven, pagesOf } from './truth.js';
import { APP_IDS, PAGE_IDS } from './users.js';
import type { World } from './world.js';

/**
 * What must be so a few minutes after the last fault: a new token in a Secret is in use long before
 * the next drift check.
 */
export function checkSoon(world: World): readonly string[] {
  return pagesOf(world)
    .filter((page) => isFit(world, page) && !isProven(world, page))
    .map(({ metadata }) => `token_not_in_use: ${metadata.namespace ?? ''}/${metadata.name} has a good token that is not in use`);
}

/** What must be so in the end. */
export function checkFinally(world: World): readonly string[] {
  const keys = APP_IDS.flatMap((appId) => PAGE_IDS.map((pageId) => `${appId}/${pageId}`));
  const faults = [...keys.flatMap((key) => keyFaults(world, key)), ...deletionFaults(world), ...appFaults(world), ...statusFaults(world)];
  return [...faults, ...world.readers.flatMap((reader) => reader.checkFinally(keys))];
}

function keyFaults(world: World, key: string): readonly string[] {
  const wanting = pagesOf(world).filter((page) => claimKey(page) === key || wantedKey(world, page) === key);
  const held = heldPages(world, key);
  const row = world.graph.rows.get(key);
  if (wanting.length === 0) {
    return row === undefined || world.oracle.excused.has(key) ? [] : [`left_subscribed: ${key} has a row and no page`];
  }
  // A page that is let go keeps its claim for as long as somebody else's finalizer keeps it; the
  // higher epoch counts.
  const staying = held.filter((page) => !isBeingDeleted(page));
  const refused = staying.find((page) => !consents(world, page));
  if (refused !== undefined) return [`refused_holder: ${refused.metadata.name} holds ${key} without consent`];
  if (staying.length > 1) return [`two_holders: ${key} is held by ${staying.length} pages`];
  const holder = held.toSorted((a, b) => (b.status?.claim?.epoch ?? 0) - (a.status?.claim?.epoch ?? 0))[0];
  if (holder === undefined) {
    const fit = wanting.find((page) => isFit(world, page) && wantedKey(world, page) === key);
    return fit === undefined ? [] : [`no_holder: ${fit.metadata.name} could hold ${key}`];
  }
  return isBeingDeleted(holder) || world.readOnly ? [] : rowFaults(world, holder, row);
}

function rowFaults(world: World, page: MessengerPage, row: readonly string[] | undefined): readonly string[] {
  if (page.spec.managementPolicy === 'Observe' || !isFit(world, page)) return [];
  const wanted = fieldsOf(page);
  const is = row?.join() ?? 'not there';
  if (is !== wanted) return [`not_equal: Page ${page.spec.pageId} is ${is}, ${page.metadata.name} wants ${wanted}`];
  const said = findCondition(page.status?.conditions, 'Subscribed');
  if (said !== undefined && (said.status === 'True' || said.reason === 'AppFieldsMissing')) return [];
  return [`not_said: ${page.metadata.name} has its row and does not say so: ${JSON.stringify(said)}`];
}

function deletionFaults(world: World): readonly string[] {
  const objects = [...world.server.list('messengerpages'), ...world.server.list('messengerapps')];
  const ours = (object: Stored): boolean => hasFinalizer(object, UNSUBSCRIBE_FINALIZER) || hasFinalizer(object, IN_USE_FINALIZER);
  return objects
    .filter((object) => isBeingDeleted(object) && ours(object))
    .map(({ metadata }) => `deletion_hangs: ${metadata.namespace ?? ''}/${metadata.name}`);
}

/**
 * What is said is about the objects as they are, or an old Ready would seem to be of a new spec.
 */
function statusFaults(world: World): readonly string[] {
  const apps = world.server.list('messengerapps').filter((app) => appWorks(world, app));
  return [...apps, ...pagesOf(world).filter((page) => isFit(world, page))]
    .filter(({ metadata, status }) => status?.observedGeneration !== metadata.generation)
    .map(({ metadata, status }) => `old_status: ${metadata.name} says ${status?.observedGeneration} of ${metadata.generation}`);
}

/** A managed app has the fields of its pages. */
function appFaults(world: World): readonly string[] {
  if (world.readOnly) return [];
  return world.server.list('messengerapps').flatMap((app) => {
    if (app.spec.webhook?.subscription !== 'Manage' || !appWorks(world, app)) return [];
    const pages = pagesOf(world).filter((page) => appOf(world, page) === app && consents(world, page) && !isBeingDeleted(page));
    const row = world.graph.appRows.get(app.spec.appId);
    const missing = pages.flatMap(({ spec }) => spec.subscribedFields ?? []).filter((field) => row?.fields.includes(field) !== true);
    if (missing.length > 0) return [`app_fields: ${app.metadata.name} lacks ${missing.join()}`];
    const { callbackUrl } = app.spec.webhook;
    // A row without fields cannot be written as long as nobody wants any.
    return row === undefined || row.fields.length === 0 || row.callbackUrl === callbackUrl
      ? []
      : [`app_callback: ${app.metadata.name} has ${row.callbackUrl}`];
  });
}

function isFit(world: World, page: MessengerPage): boolean {
  return (
    !world.graph.broken.has(page.spec.pageId) &&
    !isBeingDeleted(page) &&
    page.spec.suspend !== true &&
    appWorks(world, appOf(world, page)) &&
    consents(world, page) &&
    goodToken(world, page) !== undefined
  );
}

function wantedKey(world: World, page: MessengerPage): string | undefined {
  const app = appOf(world, page);
  return app === undefined ? undefined : `${app.spec.appId}/${page.spec.pageId}`;
}
