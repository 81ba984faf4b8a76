import { APPS, PAGES } from '../api/kinds.js';
import type { MessengerApp, MessengerPage } from '../api/v1alpha1/types.gen.js';
import { keyText } from '../core/domain/object-key.js';
import { appKeyOf, namespaceOf, webhookPathOf } from '../relations/relations.js';
import { appSecretReferences, pageSecretReferences, type SecretReference } from '../relations/secret-references.js';
import type { KindIndexes } from '../runtime/kinds.js';

/**
 * The indexes that the store of MessengerPages must be made with. Values are `namespace/name`
 * unless stated otherwise.
 */
export const PAGE_INDEXES = {
  /** The MessengerApp that it names. */
  app: (page: MessengerPage): string[] => [keyText(appKeyOf(page))],
  /** The Page's id: all pages that could want the same claim. */
  pageId: (page: MessengerPage): string[] => [page.spec.pageId],
  /** Its token's Secret and its bot's signing Secret. */
  secret: (page: MessengerPage): string[] => {
    const { token, signingSecret } = pageSecretReferences(page);
    return namesOf(token, signingSecret);
  },
  /** The Service that it names itself. */
  service: (page: MessengerPage): string[] => serviceOf(page, page.spec.backend?.service),
} satisfies Record<string, (page: MessengerPage) => string[]>;

/** The indexes that the store of MessengerApps must be made with. */
export const APP_INDEXES = {
  appId: (app: MessengerApp): string[] => [app.spec.appId],
  /** The webhook's path. */
  path: (app: MessengerApp): string[] => [webhookPathOf(app)],
  /** The Secrets that the app itself needs. */
  secret: (app: MessengerApp): string[] => {
    const { appSecret, previousAppSecret, verifyToken } = appSecretReferences(app);
    return namesOf(appSecret, previousAppSecret, verifyToken);
  },
  /** The signing Secret of the backend that its pages have by default. */
  signingSecret: (app: MessengerApp): string[] => namesOf(appSecretReferences(app).signingSecret),
  /** The Service of the backend that its pages have by default. */
  service: (app: MessengerApp): string[] => serviceOf(app, app.spec.pageDefaults?.backend?.service),
} satisfies Record<string, (app: MessengerApp) => string[]>;

/** Of every kind. Only controllers look things up by them, so only their process builds them. */
export const INDEXES = { [PAGES.plural]: PAGE_INDEXES, [APPS.plural]: APP_INDEXES } satisfies KindIndexes;

function namesOf(...references: readonly (SecretReference | undefined)[]): string[] {
  return [...new Set(references.flatMap((one) => (one === undefined ? [] : keyText(one))))];
}

function serviceOf(object: MessengerApp | MessengerPage, service: { readonly name: string } | undefined): string[] {
  return service === undefined ? [] : [keyText({ namespace: namespaceOf(object), name: service.name })];
}
