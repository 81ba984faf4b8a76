import type { NamespacedName } from '../domain/object-key.js';
import type { Secret } from '../secrets/secret.js';

/** A page as bots may see it, without its token. */
export interface PageEntry {
  readonly owner: NamespacedName;
  readonly labels: Readonly<Record<string, string>>;
  readonly pageId: string;
  readonly appId: string;
  readonly pageName: string | undefined;
  readonly botConfig: Readonly<Record<string, unknown>>;
  /** Why `botConfig` is empty though the page names some settings, as a sentence. */
  readonly botConfigProblem?: string | undefined;
  /** The fields that Meta delivers for it. */
  readonly fields: readonly string[];
  readonly ready: boolean;
  /** Changes whenever anything above does. */
  readonly version: string;
}

/**
 * The page index as the Pages API sees it: synchronous, from the cache alone. Holders of claims
 * only.
 */
export interface PageDirectory {
  synced(): boolean;
  /** Every page with this id, one an app at the most. */
  find(pageId: string): readonly PageEntry[];
  /** In the order of namespace, then name. */
  list(namespace?: string): readonly PageEntry[];
  /**
   * The last value proven to be this page's token (by `status.token.fingerprint`); undefined while
   * none is.
   */
  provenToken(entry: PageEntry): Secret | undefined;
}
