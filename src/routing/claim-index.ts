import type { Namespace } from '../api/meta.js';
import type { MessengerApp, MessengerPage } from '../api/v1alpha1/types.gen.js';
import { keyOf, keyText } from '../core/domain/object-key.js';
import type { Informer, StoreChange } from '../runtime/ports.js';
import { appKeyOf, classOf } from '../relations/relations.js';
import { activeApps, appDigest } from './active-apps.js';
import type { Track } from './dependency-memo.js';
import { holdingOf, type Holding } from './holding.js';

export interface ClaimIndexDeps {
  /** `--class`: apps of other classes, and their pages, do not exist here. */
  readonly className: string;
  readonly pages: Informer<MessengerPage>;
  readonly apps: Informer<MessengerApp>;
  /** For `allowedNamespaces.selector`; undefined where the role does not watch namespaces. */
  readonly namespaces: Informer<Namespace> | undefined;
}

/**
 * Pages by their id and apps by theirs, kept up to date by the watches, and who holds what. What is
 * asked here names what the answer depends on (`Track`); `onChange` tells the same names when they
 * change.
 */
export class ClaimIndex {
  readonly #deps: ClaimIndexDeps;
  readonly #pageKeys = new Map<string, Map<string, MessengerPage>>();
  readonly #handlers = new Set<(dependency: string) => void>();
  readonly #unsubscribe: (() => void)[] = [];
  #active: ReadonlyMap<string, MessengerApp> | undefined;

  constructor(deps: ClaimIndexDeps) {
    this.#deps = deps;
    const { pages, apps, namespaces } = deps;
    for (const page of pages.list()) this.#put(page);
    this.#unsubscribe.push(
      pages.subscribe((change) => {
        this.#pageChanged(change);
      }),
      apps.subscribe((change) => {
        this.#appChanged(change);
      }),
    );
    if (namespaces === undefined) return;
    this.#unsubscribe.push(
      namespaces.subscribe(({ object }) => {
        this.#tell(`namespace:${object.metadata.name}`);
      }),
    );
  }

  synced(): boolean {
    const { pages, apps, namespaces } = this.#deps;
    return pages.hasSynced() && apps.hasSynced() && (namespaces?.hasSynced() ?? true);
  }

  /** Of the watches that say which pages there are. */
  ageMs(): number {
    return Math.max(this.#deps.pages.ageMs(), this.#deps.apps.ageMs());
  }

  /** Milliseconds since the start, if pages or apps of a namespace could never be listed. */
  unlistedForMs(): number | undefined {
    return this.#deps.pages.unlistedForMs() ?? this.#deps.apps.unlistedForMs();
  }

  /** The one app for each appId. */
  activeApps(): ReadonlyMap<string, MessengerApp> {
    this.#active ??= activeApps(this.#deps.apps.list(), this.#deps.className);
    return this.#active;
  }

  pageIds(): Iterable<string> {
    return this.#pageKeys.keys();
  }

  /** Whether any page has this id. */
  knows(pageId: string): boolean {
    return this.#pageKeys.has(pageId);
  }

  pagesWithId(pageId: string): readonly MessengerPage[] {
    return [...(this.#pageKeys.get(pageId)?.values() ?? [])];
  }

  holding(appId: string, pageId: string, track: Track): Holding {
    track(`page:${pageId}`);
    track(`app-id:${appId}`);
    return holdingOf({
      appId,
      pageId,
      pages: this.pagesWithId(pageId),
      active: this.activeApps().get(appId),
      appOf: (page) => this.#appOf(page, track),
      labelsOf: (namespace) => this.#labelsOf(namespace, track),
    });
  }

  /** Called after a change, with the name of what changed. Returns the unsubscribe function. */
  onChange(handler: (dependency: string) => void): () => void {
    this.#handlers.add(handler);
    return () => this.#handlers.delete(handler);
  }

  close(): void {
    for (const unsubscribe of this.#unsubscribe.splice(0)) unsubscribe();
  }

  #appOf(page: MessengerPage, track: Track): MessengerApp | undefined {
    const key = appKeyOf(page);
    track(`app:${keyText(key)}`);
    const app = this.#deps.apps.get(key);
    return classOf(app) === this.#deps.className ? app : undefined;
  }

  #labelsOf(namespace: string, track: Track): Readonly<Record<string, string>> | undefined {
    const { namespaces } = this.#deps;
    if (namespaces === undefined) return undefined;
    track(`namespace:${namespace}`);
    return namespaces.get({ namespace: '', name: namespace })?.metadata.labels ?? {};
  }

  #pageChanged(change: StoreChange<MessengerPage>): void {
    // pageId is immutable, but a store that was replaced does not know that.
    if (change.type === 'updated' && change.previous.spec.pageId !== change.object.spec.pageId) this.#takeOut(change.previous);
    if (change.type === 'deleted') this.#takeOut(change.object);
    else this.#put(change.object);
    this.#tell(`page:${change.object.spec.pageId}`);
  }

  #appChanged(change: StoreChange<MessengerApp>): void {
    const { object } = change;
    if (change.type === 'updated' && appDigest(change.previous) === appDigest(object)) return;
    this.#active = undefined;
    this.#tell(`app:${keyText(keyOf(object))}`);
    this.#tell(`app-id:${object.spec.appId}`);
    if (change.type === 'updated') this.#tell(`app-id:${change.previous.spec.appId}`);
  }

  #put(page: MessengerPage): void {
    const { pageId } = page.spec;
    const pages = this.#pageKeys.get(pageId) ?? new Map<string, MessengerPage>();
    this.#pageKeys.set(pageId, pages.set(keyText(keyOf(page)), page));
  }

  #takeOut(page: MessengerPage): void {
    const { pageId } = page.spec;
    const pages = this.#pageKeys.get(pageId);
    pages?.delete(keyText(keyOf(page)));
    if (pages?.size === 0) this.#pageKeys.delete(pageId);
    this.#tell(`page:${pageId}`);
  }

  #tell(dependency: string): void {
    for (const handler of this.#handlers) handler(dependency);
  }
}
