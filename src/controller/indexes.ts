import { DEFAULT_WEBHOOK_PATH } from '../api/v1alpha1/constants.js';
import type { Backend, MessengerApp, MessengerPage, SecretKeyRef } from '../api/v1alpha1/types.gen.js';
import { keyText } from '../core/domain/object-key.js';
import { appKeyOf, namespaceOf } from '../relations/relations.js';

/** The indexes that the store of MessengerPages must be made with. Values are `namespace/name` where nothing else is said. */
export const PAGE_INDEXES = {
  /** The MessengerApp that it names. */
  app: (page: MessengerPage): string[] => [keyText(appKeyOf(page))],
  /** The Page's id: all that could want the same claim. */
  pageId: (page: MessengerPage): string[] => [page.spec.pageId],
  /** Its token's Secret and its bot's signing Secret. */
  secret: (page: MessengerPage): string[] =>
    within(namespaceOf(page), [page.spec.accessTokenSecretRef, page.spec.backend?.signingSecretRef]),
  /** The Service that it names itself. */
  service: (page: MessengerPage): string[] => within(namespaceOf(page), [page.spec.backend?.service]),
} satisfies Record<string, (page: MessengerPage) => string[]>;

/** The indexes that the store of MessengerApps must be made with. */
export const APP_INDEXES = {
  appId: (app: MessengerApp): string[] => [app.spec.appId],
  /** The webhook's path, without a slash at its end. */
  path: (app: MessengerApp): string[] => [webhookPathOf(app)],
  /** The Secrets that the app itself needs. */
  secret: (app: MessengerApp): string[] => within(namespaceOf(app), ownSecrets(app)),
  /** The signing Secret of the backend that its pages have by default. */
  signingSecret: (app: MessengerApp): string[] => within(namespaceOf(app), [defaultBackend(app)?.signingSecretRef]),
  /** The Service of the backend that its pages have by default. */
  service: (app: MessengerApp): string[] => within(namespaceOf(app), [defaultBackend(app)?.service]),
} satisfies Record<string, (app: MessengerApp) => string[]>;

/** Where Meta posts to, without a slash at its end. */
export function webhookPathOf(app: MessengerApp): string {
  const path = app.spec.webhook?.path ?? DEFAULT_WEBHOOK_PATH;
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
}

function ownSecrets({ spec }: MessengerApp): readonly (SecretKeyRef | undefined)[] {
  return [spec.appSecretRef, spec.previousAppSecretRef, spec.verifyTokenRef];
}

function defaultBackend({ spec }: MessengerApp): Backend | undefined {
  return spec.pageDefaults?.backend;
}

function within(namespace: string, refs: readonly ({ readonly name: string } | undefined)[]): string[] {
  return [...new Set(refs.flatMap((ref) => (ref === undefined ? [] : keyText({ namespace, name: ref.name }))))];
}
