import type { MessengerApp, MessengerPage } from '../api/v1alpha1/types.gen.js';
import { keyOf, keyText, type NamespacedName } from '../core/domain/object-key.js';
import type { Secret } from '../core/secrets/secret.js';
import type { Namespace } from '../api/meta.js';
import { isConditionTrue } from '../runtime/conditions.js';
import type { DataCache, Informer } from '../runtime/ports.js';
import { appKeyOf, botConfigMapKey, classOf, consentTo, namespaceOf } from './relations.js';
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
  /**
   * For apps that allow namespaces by label; undefined where the role does not watch namespaces.
   */
  readonly namespaces: Informer<Namespace> | undefined;
  readonly secrets: DataCache;
  /** undefined where the role reads no ConfigMaps. */
  readonly configMaps: DataCache | undefined;
  /** Gets every value that is read, to redact it from texts. */
  readonly learn?: (secret: Secret) => void;
  /**
   * Called with a value that was learnt and that no manifest refers to any more, or that its Secret
   * no longer holds.
   */
  readonly forget?: (secret: Secret) => void;
}

/**
 * Tells the data caches which Secrets and ConfigMaps the manifests refer to, as far as this role
 * needs them. Nothing else retains any. The webhook never retains a page token, the Pages API no
 * app secret and no signing secret; only the Pages API retains ConfigMaps. A page retains only with
 * an accepted app that consents, or while it holds its claim: anyone who may create pages could
 * otherwise fill the caches.
 */
export class References {
  readonly #deps: ReferencesDeps;
  readonly #roles: ReadonlySet<ReferenceRole>;
  /** Secret → what is read of it, and how often it is referred to. */
  readonly #read = new Map<string, Map<string, { readonly reference: SecretReference; times: number }>>();
  readonly #secretsOf = new Map<string, readonly SecretReference[]>();
  /** Secret → the values that were learnt of it. */
  readonly #learnt = new Map<string, readonly Secret[]>();
  /** app → the pages that refer to it. */
  readonly #pagesOf = new Map<string, Set<string>>();
  readonly #unsubscribe: (() => void)[] = [];

  constructor(deps: ReferencesDeps) {
    this.#deps = deps;
    this.#roles = new Set(deps.roles);
  }

  /** Follows pages and apps from now on. */
  start(): void {
    const { pages, apps, namespaces, secrets } = this.#deps;
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
      namespaces?.subscribe(({ object }) => {
        for (const page of pages.list()) if (namespaceOf(page) === object.metadata.name) this.#page(page);
      }) ?? ((): void => undefined),
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
    const retains = this.#mayRetain(page, this.#deps.apps.get(app));
    this.#retain(pageOwner(page), retains ? this.#secretsOfPage(page) : [], retains ? botConfigMapKey(page) : undefined);
  }

  /**
   * Only the leader writes a claim: a page that holds it had an accepted app, and is served
   * although that has trouble now.
   */
  #mayRetain(page: MessengerPage, app: MessengerApp | undefined): boolean {
    if (app === undefined || classOf(app) !== this.#deps.className) return false;
    const consent = consentTo(page, app, this.#deps.namespaces);
    if (!consent.given && consent.why === 'not_allowed') return false;
    return page.status?.claim?.state === 'Held' || (consent.given && isConditionTrue(app.status?.conditions, 'Accepted'));
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
    const before = this.#secretsOf.get(owner) ?? [];
    for (const old of before) this.#count(old, -1);
    if (secrets.length === 0) this.#secretsOf.delete(owner);
    else this.#secretsOf.set(owner, secrets);
    for (const one of secrets) this.#count(one, 1);
    this.#deps.secrets.retain(
      owner,
      secrets.map(({ namespace, name }) => ({ namespace, name })),
    );
    for (const one of [...secrets, ...before]) this.#learn(one);
  }

  #count(reference: SecretReference, by: 1 | -1): void {
    const secret = keyText(reference);
    const what = `${reference.kind} ${reference.key}`;
    const read = this.#read.get(secret) ?? new Map<string, { readonly reference: SecretReference; times: number }>();
    const times = (read.get(what)?.times ?? 0) + by;
    if (times > 0) read.set(what, { reference, times });
    else read.delete(what);
    if (read.size > 0) this.#read.set(secret, read);
    else this.#read.delete(secret);
  }

  #learn(key: NamespacedName): void {
    const { learn, forget, secrets } = this.#deps;
    if (learn === undefined) return;
    const before = this.#learnt.get(keyText(key)) ?? [];
    const found = [...(this.#read.get(keyText(key))?.values() ?? [])].map(({ reference }) => lookupSecret(secrets, reference));
    const values = found.flatMap((one) => (one.kind === 'value' ? [one.secret] : []));
    for (const value of values) learn(value);
    for (const value of before) forget?.(value);
    if (values.length === 0) this.#learnt.delete(keyText(key));
    else this.#learnt.set(keyText(key), values);
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
