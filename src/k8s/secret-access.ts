import { BoundedMap } from '../kit/bounded-map.js';
import type { Clock } from '../kit/clock.js';
import type { Logger } from '../kit/log.js';
import { LogOnceAMinute } from '../kit/log-once-a-minute.js';
import { keyText, type NamespacedName } from '../core/domain/object-key.js';
import type { SecretAccess, SecretReader } from '../core/ports/secret-access.js';
import type { KubeClient } from './kube-http.js';
import { apiVersionOf, collectionPath, LOCAL_ACCESS_REVIEWS } from './resources.js';

export interface KubeSecretAccessDeps {
  readonly client: Pick<KubeClient, 'request'>;
  readonly clock: Clock;
  readonly log: Logger;
  /** The ServiceAccount of each role; one that is not known is never asked about. */
  readonly accounts: Readonly<Record<SecretReader, NamespacedName | undefined>>;
}

const TIMEOUT_MS = 5_000;
const ALLOWED_MS = 60_000;
/** Shorter than an object waits before it asks again. */
const REFUSED_MS = 10_000;
const MAX_REMEMBERED = 20_000;

interface Answer {
  readonly allowed: boolean;
  readonly untilMs: number;
}

/**
 * Asks the API server, by LocalSubjectAccessReviews, what the ServiceAccounts of the other roles
 * may read.
 */
export class KubeSecretAccess implements SecretAccess {
  readonly #deps: KubeSecretAccessDeps;
  readonly #answers = new BoundedMap<string, Answer>(MAX_REMEMBERED);
  readonly #unknown: LogOnceAMinute;

  constructor(deps: KubeSecretAccessDeps) {
    this.#deps = deps;
    this.#unknown = new LogOnceAMinute(deps, 'cannot find out which Secrets another role may read');
  }

  async refused(reader: SecretReader, secret: NamespacedName, signal: AbortSignal): Promise<string | undefined> {
    const account = this.#deps.accounts[reader];
    if (account === undefined) return undefined;
    try {
      // One answer for all Secrets of the namespace, if that is what the role was given.
      if (await this.#may(account, { namespace: secret.namespace, name: '' }, signal)) return undefined;
      return (await this.#may(account, secret, signal)) ? undefined : `${account.namespace}:${account.name}`;
    } catch (error) {
      signal.throwIfAborted();
      this.#unknown.write({ reader, secret: keyText(secret), error });
      return undefined;
    }
  }

  /** Without a name: whether it may read all Secrets of the namespace. */
  async #may(account: NamespacedName, secret: NamespacedName, signal: AbortSignal): Promise<boolean> {
    const key = `${keyText(account)} ${keyText(secret)}`;
    const now = this.#deps.clock.monotonicMs();
    const known = this.#answers.get(key);
    if (known !== undefined && now < known.untilMs) return known.allowed;
    const allowed = await this.#ask(account, secret, signal);
    this.#answers.set(key, { allowed, untilMs: now + (allowed ? ALLOWED_MS : REFUSED_MS) });
    return allowed;
  }

  async #ask(account: NamespacedName, { namespace, name }: NamespacedName, signal: AbortSignal): Promise<boolean> {
    const spec = {
      user: `system:serviceaccount:${account.namespace}:${account.name}`,
      groups: ['system:serviceaccounts', `system:serviceaccounts:${account.namespace}`, 'system:authenticated'],
      resourceAttributes: { namespace, verb: 'get', group: '', resource: 'secrets', ...(name === '' ? {} : { name }) },
    };
    const body = {
      apiVersion: apiVersionOf(LOCAL_ACCESS_REVIEWS),
      kind: LOCAL_ACCESS_REVIEWS.kind,
      metadata: { namespace },
      spec,
    };
    const path = collectionPath(LOCAL_ACCESS_REVIEWS, namespace);
    const review = await this.#deps.client.request({ method: 'POST', path, body, timeoutMs: TIMEOUT_MS, signal });
    const { allowed, denied } = (review as { readonly status?: { readonly allowed?: boolean; readonly denied?: boolean } }).status ?? {};
    return allowed === true && denied !== true;
  }
}
