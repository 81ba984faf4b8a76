import { DEFAULT_KEYS } from '../../src/api/v1alpha1/constants.js';
import type { MessengerApp, MessengerPage } from '../../src/api/v1alpha1/types.gen.js';
import { appKeyOf, consentTo } from '../../src/relations/relations.js';
import { tokenFingerprint } from '../../src/core/secrets/fingerprint.js';
import { Secret } from '../../src/core/secrets/secret.js';
import { findCondition } from '../../src/runtime/conditions.js';
import { isBeingDeleted } from '../../src/runtime/finalizers.js';
import type { World } from './world.js';

/** `appId/pageId` of the claim that the page's status tells of. */
export function claimKey({ status }: MessengerPage): string | undefined {
  return status?.claim === undefined ? undefined : `${status.claim.appId}/${status.claim.pageId}`;
}

/** Of its claim; 0 if it never had one. */
export function epochOf({ status }: MessengerPage): number {
  return status?.claim?.epoch ?? 0;
}

export function isHeld({ status }: MessengerPage): boolean {
  return status?.claim?.state === 'Held';
}

export function pagesOf(world: World): readonly MessengerPage[] {
  return world.server.list('messengerpages');
}

export function heldPages(world: World, key: string): readonly MessengerPage[] {
  return pagesOf(world).filter((page) => claimKey(page) === key && isHeld(page));
}

export function appOf(world: World, page: MessengerPage): MessengerApp | undefined {
  return world.server.get('messengerapps', appKeyOf(page));
}

/**
 * What Graph's tokens and the Secret are worth together: the token's value if it is good for this
 * page and app, now.
 */
export function goodToken(world: World, page: MessengerPage): string | undefined {
  const value = secretValue(world, page.metadata.namespace ?? '', page.spec.accessTokenSecretRef.name, DEFAULT_KEYS.token);
  const token = world.graph.tokens.get(value ?? '');
  const app = appOf(world, page);
  const good = token?.alive === true && token.pageId === page.spec.pageId && token.appId === app?.spec.appId;
  return good ? value : undefined;
}

export function goodAppSecret(world: World, app: MessengerApp): boolean {
  const value = secretValue(world, app.metadata.namespace ?? '', app.spec.appSecretRef.name, DEFAULT_KEYS.appSecret);
  return value !== undefined && world.graph.secrets.get(app.spec.appId) === value;
}

/** Whether the status proves the very token that is in the Secret. */
export function isProven(world: World, page: MessengerPage): boolean {
  const value = goodToken(world, page);
  if (value === undefined) return false;
  const isTrue = findCondition(page.status?.conditions, 'TokenValid')?.status === 'True';
  return isTrue && page.status?.token?.fingerprint === tokenFingerprint(page.metadata.uid ?? '', new Secret('page-token', value));
}

/** Whether the status calls a token good that is not. */
export function believesDead(world: World, page: MessengerPage): boolean {
  return findCondition(page.status?.conditions, 'TokenValid')?.status === 'True' && goodToken(world, page) === undefined;
}

export function consents(world: World, page: MessengerPage): boolean {
  const app = appOf(world, page);
  const get = (key: { readonly name: string }) => world.server.get('namespaces', { namespace: '', name: key.name });
  return app !== undefined && consentTo(page, app, { get }).given;
}

/** An app that works: accepted, its secret right, not suspended, not being deleted. */
export function appWorks(world: World, app: MessengerApp | undefined): app is MessengerApp {
  if (app === undefined || isBeingDeleted(app) || app.spec.suspend === true) return false;
  const isTrue = (type: string): boolean => findCondition(app.status?.conditions, type)?.status === 'True';
  return isTrue('Accepted') && isTrue('CredentialsValid') && goodAppSecret(world, app);
}

function secretValue(world: World, namespace: string, name: string, key: string): string | undefined {
  const encoded = world.server.get('secrets', { namespace, name })?.data?.[key];
  return encoded === undefined ? undefined : Buffer.from(encoded, 'base64').toString('utf8');
}

/** The fields that it wants, as rows have them. */
export function fieldsOf({ spec }: MessengerPage): string {
  return [...(spec.subscribedFields ?? [])].sort().join();
}

/** The epoch at which this change makes the page the holder of its key; undefined: it does not. */
export function takenEpoch(page: MessengerPage, was: MessengerPage | undefined): number | undefined {
  const claim = page.status?.claim;
  const before = was?.status?.claim;
  if (claim?.state !== 'Held') return undefined;
  return before?.state === 'Held' && before.epoch === claim.epoch ? undefined : claim.epoch;
}
