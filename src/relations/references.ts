import type { MessengerApp, MessengerPage } from '../api/v1alpha1/types.gen.js';
import { keyOf, keyText, type NamespacedName } from '../core/domain/object-key.js';
import type { Secret } from '../core/secrets/secret.js';
import type { DataCache, Informer } from '../runtime/ports.js';
import { appKeyOf, botConfigMapKey, classOf } from './relations.js';
import { appSecretReferences, pageSecretReferences, type AppSecretReferences, type SecretReference } from './secret-references.js';
import { lookupSecret } from './secret-values.js';

export const REFERENCE_ROLES = ['controller', 'webhook', 'pages-api'] as const;
export type ReferenceRole = (typeof REFERENCE_ROLES)[number];

export interface ReferencesDeps {
  /** What this process does; several in standalone. */
  readonly roles: readonly ReferenceRole[];
  /** `--class` */
  readonly className: string;
  readonly pages: Informer<MessengerPage>;
  readonly apps: Informer<MessengerApp>;
  readonly secrets: DataCache;
  /** undefined where the role reads no ConfigMaps. */
  readonly configMaps: DataCache | undefined;
  /** Gets every value that is read, to redact it from texts. */
  readonly learn?: (secret: Secret) => void;
}

/**
 * Tells the data caches which Secrets and ConfigMaps the manifests refer to, as far as this role needs them. Nothing else
 * retains any. The webhook never retains a page token, the Pages API no app secret and no signing secret; only the Pages API
 * retains ConfigMaps.
 */
export class References {
  readonly #deps: ReferencesDeps;
  readonly #roles: ReadonlySet<ReferenceRole>;
  /** Secret → owner → what the owner reads of it. */
  readonly #readers = new Map<string, Map<string, readonly SecretReference[]>>();
  readonly #secretsOf = new Map<string, readonly SecretReference[]>();
  /** app → the pages that refer to it. */
  readonly #pagesOf = new Map<string, Set<string>>();
  readonly #unsubscribe: (() => void)[] = [];

  constructor(deps: ReferencesDeps) {
    this.#deps = deps;
    this.#roles = new Set(deps.roles);
  }

  /** Follows pages and apps from now on. */
  start(): void {
    const { pages, apps, secrets } = this.#deps;
    for (const app of apps.list()) this.#app(app);
    for (const page of pages.list()) this.#page(page);
    this.#unsubscribe.push(
      apps.subscribe(({ type, object }) => {
        if (type === 'deleted') this.#retain(appOwner(object), [], undefined);
        else this.#app(object);
        this.#pagesOfApp(object);
      }),
      pages.subscribe(({ type, object }) => {
        if (type === 'deleted') this.#pageGone(object);
        else this.#page(object);
      }),
      secrets.subscribe((key) => {
        this.#learn(key);
      }),
    );
  }

  close(): void {
    for (const unsubscribe of this.#unsubscribe.splice(0)) unsubscribe();
  }

  #app(app: MessengerApp): void {
    const ours = classOf(app) === this.#deps.className;
    this.#retain(appOwner(app), ours && this.#needs('controller', 'webhook') ? all(appSecretReferences(app)) : [], undefined);
  }

  #page(page: MessengerPage): void {
    const app = appKeyOf(page);
    const key = keyText(keyOf(page));
    const pages = this.#pagesOf.get(keyText(app)) ?? new Set();
    this.#pagesOf.set(keyText(app), pages.add(key));
    // A page without an app belongs to the install without a class: its Secrets are there when the app comes.
    const ours = classOf(this.#deps.apps.get(app)) === this.#deps.className;
    this.#retain(pageOwner(page), ours ? this.#secretsOfPage(page) : [], ours ? botConfigMapKey(page) : undefined);
  }

  #secretsOfPage(page: MessengerPage): readonly SecretReference[] {
    const { token, signingSecret } = pageSecretReferences(page);
    return [
      ...(this.#needs('controller', 'pages-api') ? [token] : []),
      ...(this.#needs('controller', 'webhook') && signingSecret !== undefined ? [signingSecret] : []),
    ];
  }

  #pageGone(page: MessengerPage): void {
    const app = keyText(appKeyOf(page));
    const pages = this.#pagesOf.get(app);
    pages?.delete(keyText(keyOf(page)));
    if (pages?.size === 0) this.#pagesOf.delete(app);
    this.#retain(pageOwner(page), [], undefined);
  }

  /** The class of an app decides about its pages, too. */
  #pagesOfApp(app: MessengerApp): void {
    for (const text of this.#pagesOf.get(keyText(keyOf(app))) ?? []) {
      const [namespace = '', name = ''] = text.split('/');
      const page = this.#deps.pages.get({ namespace, name });
      if (page !== undefined) this.#page(page);
    }
  }

  #retain(owner: string, secrets: readonly SecretReference[], configMap: NamespacedName | undefined): void {
    if (JSON.stringify(this.#secretsOf.get(owner) ?? []) !== JSON.stringify(secrets)) this.#retainSecrets(owner, secrets);
    this.#deps.configMaps?.retain(owner, configMap !== undefined && this.#needs('pages-api') ? [configMap] : []);
  }

  #retainSecrets(owner: string, secrets: readonly SecretReference[]): void {
    for (const old of this.#secretsOf.get(owner) ?? []) this.#forget(keyText(old), owner);
    if (secrets.length === 0) this.#secretsOf.delete(owner);
    else this.#secretsOf.set(owner, secrets);
    for (const one of secrets) {
      const readers = this.#readers.get(keyText(one)) ?? new Map<string, readonly SecretReference[]>();
      this.#readers.set(keyText(one), readers.set(owner, [...(readers.get(owner) ?? []), one]));
    }
    this.#deps.secrets.retain(
      owner,
      secrets.map(({ namespace, name }) => ({ namespace, name })),
    );
    for (const one of secrets) this.#learn(one);
  }

  #forget(secret: string, owner: string): void {
    const readers = this.#readers.get(secret);
    readers?.delete(owner);
    if (readers?.size === 0) this.#readers.delete(secret);
  }

  #learn(key: NamespacedName): void {
    const { learn, secrets } = this.#deps;
    if (learn === undefined) return;
    for (const references of this.#readers.get(keyText(key))?.values() ?? []) {
      for (const reference of references) {
        const found = lookupSecret(secrets, reference);
        if (found.kind === 'value') learn(found.secret);
      }
    }
  }

  #needs(...roles: readonly ReferenceRole[]): boolean {
    return roles.some((role) => this.#roles.has(role));
  }
}

function all(references: AppSecretReferences): readonly SecretReference[] {
  return Object.values(references).filter((one: SecretReference | undefined) => one !== undefined);
}

function appOwner(app: MessengerApp): string {
  return `app:${keyText(keyOf(app))}`;
}

function pageOwner(page: MessengerPage): string {
  return `page:${keyText(keyOf(page))}`;
}
