import type { MessengerPage } from '../api/v1alpha1/types.gen.js';
import { tokenFingerprint } from '../core/secrets/fingerprint.js';
import { keyOf, keyText, type NamespacedName } from '../core/domain/object-key.js';
import type { Secret } from '../core/secrets/secret.js';
import type { DataCache, Informer } from '../runtime/ports.js';
import { pageSecretReferences } from '../relations/secret-references.js';
import { lookupSecret } from '../relations/secret-values.js';

export interface ProvenTokensDeps {
  readonly pages: Informer<MessengerPage>;
  /** Page tokens, retained by `References`. */
  readonly secrets: DataCache;
}

interface Proven {
  readonly uid: string;
  readonly secret: Secret;
  /** The Secret that it came from. */
  readonly from: NamespacedName;
}

/**
 * For every page the last value that the controller proved to be its token: the one whose
 * fingerprint is in its status. A changed Secret does not change it until the new value is proven.
 * It goes with the page, and with the Secret.
 */
export class ProvenTokens {
  readonly #deps: ProvenTokensDeps;
  readonly #proven = new Map<string, Proven>();
  /** Secret → the pages that name it. */
  readonly #users = new Map<string, Set<string>>();
  readonly #unsubscribe: readonly (() => void)[];

  constructor(deps: ProvenTokensDeps) {
    this.#deps = deps;
    for (const page of deps.pages.list()) this.#follow(page);
    this.#unsubscribe = [
      deps.pages.subscribe((change) => {
        const old = change.type === 'updated' ? change.previous : change.object;
        if (change.type !== 'added') this.#leave(old);
        if (change.type === 'deleted') this.#proven.delete(keyText(keyOf(change.object)));
        else this.#follow(change.object);
      }),
      deps.secrets.subscribe((key) => {
        for (const page of this.#users.get(keyText(key)) ?? []) this.#look(page);
      }),
    ];
  }

  /** undefined while none is proven. */
  get(page: NamespacedName): Secret | undefined {
    return this.#proven.get(keyText(page))?.secret;
  }

  close(): void {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
  }

  #follow(page: MessengerPage): void {
    const secret = keyText(pageSecretReferences(page).token);
    const users = this.#users.get(secret) ?? new Set();
    this.#users.set(secret, users.add(keyText(keyOf(page))));
    this.#check(page);
  }

  #leave(page: MessengerPage): void {
    const secret = keyText(pageSecretReferences(page).token);
    const users = this.#users.get(secret);
    users?.delete(keyText(keyOf(page)));
    if (users?.size === 0) this.#users.delete(secret);
  }

  #look(key: string): void {
    const [namespace = '', name = ''] = key.split('/');
    const page = this.#deps.pages.get({ namespace, name });
    if (page !== undefined) this.#check(page);
  }

  #check(page: MessengerPage): void {
    const key = keyText(keyOf(page));
    const uid = page.metadata.uid ?? '';
    const known = this.#proven.get(key);
    // The cache says absent only once its grace time is over.
    const ended = known !== undefined && (known.uid !== uid || this.#deps.secrets.peek(known.from).kind === 'absent');
    if (ended) this.#proven.delete(key);
    const reference = pageSecretReferences(page).token;
    const found = lookupSecret(this.#deps.secrets, reference);
    const fingerprint = page.status?.token?.fingerprint;
    if (found.kind !== 'value' || fingerprint === undefined) return;
    if (tokenFingerprint(uid, found.secret) === fingerprint) this.#proven.set(key, { uid, secret: found.secret, from: reference });
  }
}
