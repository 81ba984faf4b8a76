import { createPublicKey, verify, type JsonWebKey, type KeyObject } from 'node:crypto';
import type { Clock } from '../kit/clock.js';
import type { LogFields, Logger } from '../kit/log.js';
import type { Secret } from '../core/secrets/secret.js';
import { readJwt, type Jwt } from './bearer-token.js';

/** Who issues a cluster's ServiceAccount tokens, and with which keys. */
export interface TokenIssuer {
  readonly issuer: string;
  readonly keys: readonly JsonWebKey[];
}

/**
 * `genuine`: signed by the cluster. `forged`: certainly not. `unchecked`: it cannot be known here,
 * as with a second issuer, a key that is newer than ours, or a cluster that does not show its keys.
 */
export type Provenance = 'genuine' | 'forged' | 'unchecked';

export interface IssuerKeysDeps {
  /**
   * undefined: the cluster does not show its keys. Throws when that cannot be found out right now.
   */
  readonly fetch: (signal: AbortSignal) => Promise<TokenIssuer | undefined>;
  readonly clock: Clock;
  readonly log: Logger;
}

const FETCH_TIMEOUT_MS = 2_000;
/** Between two fetches, whatever tokens ask for. */
const REFETCH_MS = 10_000;
/** What Kubernetes signs with. */
const HASHES: Readonly<Record<string, { readonly hash: string; readonly type: 'rsa' | 'ec' }>> = {
  RS256: { hash: 'sha256', type: 'rsa' },
  RS384: { hash: 'sha384', type: 'rsa' },
  RS512: { hash: 'sha512', type: 'rsa' },
  ES256: { hash: 'sha256', type: 'ec' },
  ES384: { hash: 'sha384', type: 'ec' },
  ES512: { hash: 'sha512', type: 'ec' },
};

interface KnownIssuer {
  readonly issuer: string;
  readonly keys: ReadonlyMap<string, KeyObject>;
}

/**
 * Checks a ServiceAccount token's issuer and signature against the cluster's public keys, without
 * asking the API server about the token. A genuine one may still be revoked: only a review says
 * that it counts.
 */
export class IssuerKeys {
  readonly #deps: IssuerKeysDeps;
  #known: KnownIssuer | undefined;
  #fetchedMs = -Infinity;
  #underWay: Promise<boolean> | undefined;
  #warned = false;

  constructor(deps: IssuerKeysDeps) {
    this.#deps = deps;
  }

  /** Fetches the keys where it has to, at most every 10 s. Never rejects. */
  async check(token: Secret): Promise<Provenance> {
    const before = this.#verdict(token);
    if (before !== 'unchecked') return before;
    if (!(await this.#refreshed())) return 'unchecked';
    const after = this.#verdict(token);
    // The keys are those of this moment: a key that is not among them is not the issuer's.
    return after === 'unchecked' && this.#isOfKnownIssuer(token) ? 'forged' : after;
  }

  #verdict(token: Secret): Provenance {
    const jwt = readJwt(token.reveal());
    if (jwt === undefined) return 'forged';
    const key = this.#keyOf(jwt);
    if (key === undefined) return 'unchecked';
    return isSignedBy(key, jwt) ? 'genuine' : 'forged';
  }

  #keyOf({ header: { kid }, claims: { iss } }: Jwt): KeyObject | undefined {
    return iss === this.#known?.issuer && typeof kid === 'string' ? this.#known?.keys.get(kid) : undefined;
  }

  #isOfKnownIssuer(token: Secret): boolean {
    return this.#known !== undefined && readJwt(token.reveal())?.claims['iss'] === this.#known.issuer;
  }

  /** Whether the keys are those of this moment. */
  #refreshed(): Promise<boolean> {
    if (this.#underWay !== undefined) return this.#underWay;
    const now = this.#deps.clock.monotonicMs();
    if (now - this.#fetchedMs < REFETCH_MS) return Promise.resolve(false);
    this.#fetchedMs = now;
    this.#underWay = this.#fetch().finally(() => {
      this.#underWay = undefined;
    });
    return this.#underWay;
  }

  async #fetch(): Promise<boolean> {
    const late = new AbortController();
    const cancel = this.#deps.clock.setTimer(FETCH_TIMEOUT_MS, () => {
      late.abort(new Error('no answer in time'));
    });
    try {
      const found = await this.#deps.fetch(late.signal);
      this.#known = found === undefined ? undefined : { issuer: found.issuer, keys: readKeys(found.keys) };
      if (this.#known === undefined) this.#warn({ reason: 'the API server does not show them to this ServiceAccount' });
      else this.#warned = false;
      return this.#known !== undefined;
    } catch (error) {
      // What was known still holds: a key is not taken back because the API server does not answer.
      this.#warn({ error });
      return false;
    } finally {
      cancel();
    }
  }

  /** Once until it works again. */
  #warn(fields: LogFields): void {
    if (!this.#warned) this.#deps.log.warn('cannot get the keys that the cluster signs tokens with; every new caller is reviewed', fields);
    this.#warned = true;
  }
}

function isSignedBy(key: KeyObject, { header: { alg }, signed, signature }: Jwt): boolean {
  const method = typeof alg === 'string' && Object.hasOwn(HASHES, alg) ? HASHES[alg] : undefined;
  if (method === undefined || key.asymmetricKeyType !== method.type) return false;
  try {
    return verify(method.hash, signed, { key, dsaEncoding: 'ieee-p1363' }, signature);
  } catch {
    // A signature that cannot be one of this key.
    return false;
  }
}

function readKeys(keys: readonly JsonWebKey[]): ReadonlyMap<string, KeyObject> {
  const read = new Map<string, KeyObject>();
  for (const jwk of keys) {
    const { kid } = jwk as { readonly kid?: unknown };
    if (typeof kid !== 'string') continue;
    try {
      read.set(kid, createPublicKey({ key: jwk, format: 'jwk' }));
    } catch {
      // A kind of key that this Node does not know: its tokens are unchecked.
    }
  }
  return read;
}
