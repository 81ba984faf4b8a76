import { createHash } from 'node:crypto';
import type { Namespace } from '../api/meta.js';
import type { MessengerApp, MessengerPage } from '../api/v1alpha1/types.gen.js';
import type { Logger } from '../kit/log.js';
import { keyOf, keyText } from '../core/domain/object-key.js';
import type { PageDirectory, PageEntry } from '../core/ports/page-directory.js';
import type { Secret } from '../core/secrets/secret.js';
import type { DataCache, Informer } from '../runtime/ports.js';
import { botConfigMapKey } from '../relations/relations.js';
import { botConfigOf } from './bot-config.js';
import { ClaimIndex } from './claim-index.js';
import { DependencyMemo, type Track } from './dependency-memo.js';
import { ProvenTokens } from './proven-tokens.js';

export interface ClaimedPagesDeps {
  /** `--class` */
  readonly className: string;
  readonly pages: Informer<MessengerPage>;
  readonly apps: Informer<MessengerApp>;
  /**
   * undefined where the role does not watch namespaces: then only the leader judges selectors by
   * labels.
   */
  readonly namespaces: Informer<Namespace> | undefined;
  /** Page tokens, retained by `References`. */
  readonly secrets: DataCache;
  /** Bot configs, retained by `References`. */
  readonly configMaps: DataCache;
  readonly log: Logger;
}

/** The pages that hold their claims, as bots may see them. Answers from memory. */
export class ClaimedPages implements PageDirectory {
  readonly #deps: ClaimedPagesDeps;
  readonly #claims: ClaimIndex;
  readonly #tokens: ProvenTokens;
  readonly #entries = new DependencyMemo<readonly PageEntry[]>();
  readonly #unsubscribe: readonly (() => void)[];
  #sorted: readonly PageEntry[] | undefined;

  constructor(deps: ClaimedPagesDeps) {
    this.#deps = deps;
    this.#claims = new ClaimIndex(deps);
    this.#tokens = new ProvenTokens(deps);
    const changed = (dependency: string): void => {
      this.#entries.changed(dependency);
      this.#sorted = undefined;
    };
    this.#unsubscribe = [
      this.#claims.onChange(changed),
      deps.configMaps.subscribe((key) => {
        changed(`config-map:${keyText(key)}`);
      }),
    ];
  }

  synced(): boolean {
    return this.#claims.synced() && this.#deps.secrets.hasSynced() && this.#deps.configMaps.hasSynced();
  }

  find(pageId: string): readonly PageEntry[] {
    // Not remembered: ids come from outside, and there is no end to those that are no page of ours.
    if (!this.#claims.knows(pageId)) return [];
    return this.#entries.get(pageId, (track) => this.#entriesOf(pageId, track));
  }

  list(namespace?: string): readonly PageEntry[] {
    this.#sorted ??= [...this.#claims.pageIds()].flatMap((pageId) => this.find(pageId)).sort(byOwner);
    return namespace === undefined ? this.#sorted : this.#sorted.filter(({ owner }) => owner.namespace === namespace);
  }

  provenToken(entry: PageEntry): Secret | undefined {
    // The claim may have gone to another page since the entry was given out.
    const holds = this.find(entry.pageId).some(({ owner, appId }) => keyText(owner) === keyText(entry.owner) && appId === entry.appId);
    return holds ? this.#tokens.get(entry.owner) : undefined;
  }

  /** Stops following the watches. */
  close(): void {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    this.#claims.close();
    this.#tokens.close();
  }

  #entriesOf(pageId: string, track: Track): readonly PageEntry[] {
    track(`page:${pageId}`);
    const claimed = this.#claims.pagesWithId(pageId).flatMap(({ status }) => status?.claim?.appId ?? []);
    return [...new Set(claimed)].sort().flatMap((appId) => {
      const holding = this.#claims.holding(appId, pageId, track);
      return holding.kind === 'held' ? [this.#entryOf(holding.page, appId, track)] : [];
    });
  }

  #entryOf(page: MessengerPage, appId: string, track: Track): PageEntry {
    const { metadata, spec, status } = page;
    const entry = {
      owner: keyOf(page),
      labels: metadata.labels ?? {},
      pageId: spec.pageId,
      appId,
      pageName: status?.pageName,
      ...this.#botConfigOf(page, track),
      fields: status?.effectiveFields ?? [],
      ready: status?.conditions?.some((one) => one.type === 'Ready' && one.status === 'True') ?? false,
    };
    return Object.freeze({ ...entry, version: createHash('sha256').update(JSON.stringify(entry)).digest('base64url') });
  }

  #botConfigOf(page: MessengerPage, track: Track): Pick<PageEntry, 'botConfig' | 'botConfigProblem'> {
    const key = botConfigMapKey(page);
    if (key !== undefined) track(`config-map:${keyText(key)}`);
    const { config, problem } = botConfigOf(page, (one) => this.#deps.configMaps.peek(one));
    if (problem !== undefined) this.#deps.log.warn('a page is served without its bot config', { page: keyText(keyOf(page)), problem });
    return { botConfig: config, ...(problem === undefined ? {} : { botConfigProblem: problem }) };
  }
}

function byOwner(a: PageEntry, b: PageEntry): number {
  return compare(a.owner.namespace, b.owner.namespace) || compare(a.owner.name, b.owner.name);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
