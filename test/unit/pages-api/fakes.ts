import type { NamespacedName } from '../../../src/core/domain/object-key.js';
import type { PageDirectory, PageEntry } from '../../../src/core/ports/page-directory.js';
import { Secret } from '../../../src/core/secrets/secret.js';
import type { Access, Authenticator, Authorizer, Caller } from '../../../src/pages-api/ports.js';

/** A page that needs no explanation. */
export function anEntry(overrides: Partial<PageEntry> = {}): PageEntry {
  return {
    owner: { namespace: 'bots', name: 'clinic-a' },
    labels: {},
    pageId: '1001',
    appId: '77',
    pageName: 'Clinic A',
    botConfig: { clinic: 'A' },
    fields: ['messages'],
    ready: true,
    version: '1',
    ...overrides,
  };
}

/** The page index as a state. */
export class FakeDirectory implements PageDirectory {
  entries: PageEntry[] = [];
  readonly tokens = new Map<string, string>();
  isSynced = true;

  synced(): boolean {
    return this.isSynced;
  }
  find(pageId: string): readonly PageEntry[] {
    return this.entries.filter((entry) => entry.pageId === pageId);
  }
  list(namespace?: string): readonly PageEntry[] {
    return this.entries
      .filter((entry) => namespace === undefined || entry.owner.namespace === namespace)
      .sort((a, b) => (text(a.owner) < text(b.owner) ? -1 : 1));
  }
  provenToken(entry: PageEntry): Secret | undefined {
    const token = this.tokens.get(text(entry.owner));
    return token === undefined ? undefined : new Secret('page-token', token);
  }
}

function text({ namespace, name }: NamespacedName): string {
  return `${namespace}/${name}`;
}

/**
 * The API server's reviews as a state: who has which token, who may do what; `down` makes every
 * review fail.
 */
export class FakeReviews implements Authenticator, Authorizer {
  readonly callers = new Map<string, Caller>();
  /** `username verb resource[/subresource] namespace/name` */
  readonly grants = new Set<string>();
  down = false;
  hangs = false;
  /** Token reviews that never answer. */
  hangsFor: (token: string) => boolean = () => false;
  tokenReviews = 0;
  accessReviews = 0;

  async authenticate(token: Secret, signal: AbortSignal): Promise<Caller | undefined> {
    this.tokenReviews += 1;
    await this.#answers(signal, this.hangsFor(token.reveal()));
    return this.callers.get(token.reveal());
  }

  async authorize(caller: Caller, access: Access, signal: AbortSignal): Promise<boolean> {
    this.accessReviews += 1;
    await this.#answers(signal);
    const { verb, resource, subresource, namespace = '*', name = '*' } = access;
    return this.grants.has(
      `${caller.username} ${verb} ${resource}${subresource === undefined ? '' : `/${subresource}`} ${namespace}/${name}`,
    );
  }

  async #answers(signal: AbortSignal, hangs = false): Promise<void> {
    if (this.down) throw new Error('connect ECONNREFUSED');
    if (!this.hangs && !hangs) return;
    await new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => {
        reject(new Error('aborted'));
      });
    });
  }
}

/** A ServiceAccount token as far as it can be read without verifying it. */
export function aJwt(subject: string, claims: Readonly<Record<string, unknown>> = {}): string {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'RS256' })}.${part({ sub: subject, aud: ['messenger-operator'], exp: Date.parse('2026-11-23T01:00:00Z') / 1_000, ...claims })}.c2ln`;
}
