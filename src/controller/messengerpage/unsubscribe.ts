import type { MessengerApp } from '../../api/v1alpha1/types.gen.js';
import type { DeletionFacts } from '../../core/domain/deletion.js';
import {
  AppCredentialError,
  ClusterUnavailableError,
  RateLimitedError,
  TerminalError,
  TransientError,
  fullMessage,
} from '../../core/domain/errors.js';
import type { PageCredentials } from '../../core/ports/graph.js';
import type { DataCache } from '../../runtime/ports.js';
import { pageSecretReferences } from '../../relations/secret-references.js';
import { readAppCredentials, readSecret } from '../../relations/secret-values.js';
import { assertMayWrite } from './graph-write.js';
import type { PageMemory } from './memory.js';
import type { PagePass } from './pass.js';
import type { PageOptions, PageReconcilerDeps } from './ports.js';

/** What an Unsubscriber needs of a controller. */
export interface UnsubscriberDeps extends Pick<PageReconcilerDeps, 'graph' | 'livePages' | 'finalizers' | 'fence' | 'clock'> {
  readonly secrets: Pick<DataCache, 'read'>;
  readonly options: Pick<PageOptions, 'secretGraceMs' | 'graphVersion'>;
}

/** What an Unsubscriber needs of a pass. */
export interface UnsubscriberPass extends Pick<PagePass, 'page' | 'signal'> {
  readonly memory: Pick<PageMemory, 'credentials'>;
}

/**
 * The calls to Graph for one deleted page: with the credentials last proven, then with those of the
 * Secrets as they are.
 */
export class Unsubscriber {
  readonly #deps: UnsubscriberDeps;
  readonly #pass: UnsubscriberPass;
  readonly #app: MessengerApp | undefined;
  #candidates: readonly PageCredentials[] | undefined;
  /** Why the last call failed, as a clause that begins with "for", for a note to the user. */
  lastFailure = 'for no credentials are known';
  /** How long Graph asked us to wait. */
  retryAfterMs: number | undefined;

  constructor(deps: UnsubscriberDeps, pass: UnsubscriberPass, app: MessengerApp | undefined) {
    this.#deps = deps;
    this.#pass = pass;
    this.#app = app;
  }

  /** Whether Graph lists our app on the page. */
  async look(): Promise<NonNullable<DeletionFacts['look']>> {
    const outcome = await this.#withEach(async (page) => ((await this.#isListed(page)) ? 'present' : 'absent'));
    return outcome === 'none' ? 'no_credentials' : outcome;
  }

  /**
   * DELETE and read back. @throws StaleReadError, NotLeaderError when it must not be written now
   */
  async unsubscribe(): Promise<NonNullable<DeletionFacts['unsubscribe']>> {
    const outcome = await this.#withEach((page) => this.#unsubscribeWith(page));
    return outcome === 'none' ? 'refused' : outcome;
  }

  async #unsubscribeWith(page: PageCredentials): Promise<'done' | 'failed'> {
    const { graph } = this.#deps;
    const { signal } = this.#pass;
    await assertMayWrite(this.#deps, this.#pass.page, { signal });
    await graph.unsubscribe(page, { signal, priority: 'interactive' });
    try {
      if (!(await this.#isListed(page))) return 'done';
    } catch (error) {
      // Graph did unsubscribe, and the token that would show it may have ended with it.
      if (error instanceof TerminalError || error instanceof AppCredentialError) return 'done';
      throw error;
    }
    this.lastFailure = 'for Graph still lists the app after the DELETE';
    return 'failed';
  }

  async #isListed(page: PageCredentials): Promise<boolean> {
    const { subscribed } = await this.#deps.graph.observe(page, { signal: this.#pass.signal, priority: 'interactive' });
    return subscribed;
  }

  /** `refused`: by all of them, for good. */
  async #withEach<T extends string>(call: (page: PageCredentials) => Promise<T>): Promise<T | 'refused' | 'failed' | 'none'> {
    try {
      this.#candidates ??= (await this.#credentials()).filter((one) => this.#isOfClaim(one));
      let outcome: 'refused' | 'none' = 'none';
      for (const candidate of this.#candidates) {
        const found = await this.#unlessRefused(() => call(candidate));
        if (found !== 'refused') return found;
        outcome = 'refused';
      }
      return outcome;
    } catch (error) {
      if (!isHiccup(error)) throw error;
      this.lastFailure = `for Graph or the cluster could not be asked: ${fullMessage(error)}`;
      this.retryAfterMs = error instanceof RateLimitedError ? error.retryAfterMs : undefined;
      return 'failed';
    }
  }

  async #unlessRefused<T>(call: () => Promise<T>): Promise<T | 'refused'> {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof TerminalError) && !(error instanceof AppCredentialError)) throw error;
      this.lastFailure = `for ${fullMessage(error)}`;
      return 'refused';
    }
  }

  /**
   * An app that was made anew under its name may have another id: what the page has there is not
   * its own.
   */
  #isOfClaim({ app }: PageCredentials): boolean {
    const { claim } = this.#pass.page.status ?? {};
    return claim === undefined || claim.appId === app.appId;
  }

  async #credentials(): Promise<readonly PageCredentials[]> {
    const remembered = this.#pass.memory.credentials;
    if (remembered === undefined) return this.#current();
    try {
      return [remembered, ...(await this.#current()).filter((one) => !sameCredentials(one, remembered))];
    } catch (error) {
      if (error instanceof ClusterUnavailableError) return [remembered];
      throw error;
    }
  }

  async #current(): Promise<readonly PageCredentials[]> {
    const { page, signal } = this.#pass;
    const app = this.#app === undefined ? undefined : await readAppCredentials(this.#deps, this.#app, signal);
    if (app === undefined) return [];
    const token = await readSecret(this.#deps, pageSecretReferences(page).token, signal);
    return token.kind === 'value' ? [{ app, pageId: page.spec.pageId, token: token.secret }] : [];
  }
}

function isHiccup(error: unknown): error is TransientError | RateLimitedError | ClusterUnavailableError {
  return error instanceof TransientError || error instanceof RateLimitedError || error instanceof ClusterUnavailableError;
}

function sameCredentials(a: PageCredentials, b: PageCredentials): boolean {
  return a.token.equals(b.token) && a.app.appSecret.equals(b.app.appSecret);
}
