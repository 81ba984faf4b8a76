import { createHmac, randomBytes } from 'node:crypto';
import type { Clock } from '../kit/clock.js';
import type { Logger } from '../kit/log.js';
import { LogOnceAMinute } from '../kit/log-once-a-minute.js';
import type { Secret } from '../core/secrets/secret.js';
import { bearerToken, certainlyRefused } from './bearer-token.js';
import type { PagesApiObserver } from './observer.js';
import type { Access, Authenticator, Authorizer, Caller } from './ports.js';
import { ReviewCache } from './review-cache.js';
import type { IssuerKeys, Provenance } from './issuer-keys.js';
import { REVIEW_LIMITS, ReviewLimiter, type ReviewLimits } from './review-limiter.js';

export interface GateDeps {
  readonly authenticator: Authenticator;
  readonly authorizer: Authorizer;
  readonly clock: Clock;
  readonly log: Logger;
  readonly observe: PagesApiObserver;
  /**
   * What a caller's JWT must be meant for; undefined: the credentials are no JWTs and every one is
   * asked about.
   */
  readonly audience: string | undefined;
  /** Where it is there, forged tokens are refused without a review. */
  readonly issuer?: IssuerKeys | undefined;
  /** 0: nothing is remembered (where asking costs nothing). */
  readonly authFreshMs: number;
  readonly authStaleMs: number;
  readonly reviewLimits?: ReviewLimits | undefined;
}

/**
 * Says who calls and what they may. What it remembers it keeps under HMACs with a key of this
 * process, never under credentials.
 */
export class Gate {
  readonly #deps: GateDeps;
  readonly #key = randomBytes(32);
  readonly #callers: ReviewCache<Caller>;
  readonly #accesses: ReviewCache<true>;
  /**
   * What strangers present whose token cannot be checked here does not delay those whose token is
   * genuine.
   */
  readonly #limiters: Readonly<Record<'genuine' | 'unchecked' | 'access', ReviewLimiter>>;
  /** An API server that is away would fill the log with every request. */
  readonly #unavailableLog: LogOnceAMinute;

  constructor(deps: GateDeps) {
    this.#deps = deps;
    const { clock, authFreshMs: freshMs, authStaleMs: staleMs, observe, reviewLimits = REVIEW_LIMITS } = deps;
    const limiter = (): ReviewLimiter => new ReviewLimiter(clock, reviewLimits);
    this.#limiters = { genuine: limiter(), unchecked: limiter(), access: limiter() };
    this.#unavailableLog = new LogOnceAMinute(deps, 'callers cannot be reviewed; known ones are served by older answers');
    const onUnavailable = (error: unknown): void => {
      this.#unavailableLog.write({ error });
    };
    const common = { clock, knownLimiter: limiter(), freshMs, staleMs, onUnavailable };
    this.#callers = new ReviewCache({
      ...common,
      observe: (result) => {
        observe.review('token', result);
      },
    });
    this.#accesses = new ReviewCache({
      ...common,
      observe: (result) => {
        observe.review('access', result);
      },
    });
  }

  /**
   * undefined: no credential, or none that counts.
   * @param source who asks, as far as that is known before: the address
   * @throws ReviewUnavailableError
   */
  async caller(authorization: string | undefined, source = ''): Promise<Caller | undefined> {
    const { audience, clock, authenticator, observe } = this.#deps;
    const token = bearerToken(authorization);
    if (token === undefined) return undefined;
    if (audience !== undefined && certainlyRefused(token, audience, clock.nowMs())) return undefined;
    const key = this.#digest(token);
    const provenance = await this.#provenanceOf(key, token);
    if (provenance === 'forged') {
      observe.review('token', 'forged');
      return undefined;
    }
    const lane = { limiter: this.#limiters[provenance], source };
    return this.#callers.get(key, (signal) => authenticator.authenticate(token, signal), lane);
  }

  /** @throws ReviewUnavailableError */
  async allows(caller: Caller, access: Access): Promise<boolean> {
    const key = this.#hmac(JSON.stringify([identity(caller), Object.entries(access).sort()]));
    const review = async (signal: AbortSignal): Promise<true | undefined> =>
      (await this.#deps.authorizer.authorize(caller, access, signal)) ? true : undefined;
    const answer = await this.#accesses.get(key, review, { limiter: this.#limiters.access, source: caller.username });
    return answer === true;
  }

  /** Not checked where the answer about the token is known. */
  async #provenanceOf(key: string, token: Secret): Promise<Provenance> {
    const { issuer } = this.#deps;
    if (issuer === undefined || this.#callers.isFresh(key) || this.#callers.knows(key)) return 'unchecked';
    return issuer.check(token);
  }

  #digest(token: Secret): string {
    return this.#hmac(token.reveal());
  }

  #hmac(text: string): string {
    return createHmac('sha256', this.#key).update(text).digest('base64');
  }
}

function identity({ username, uid, groups, extra }: Caller): unknown {
  return [username, uid ?? '', [...groups].sort(), Object.entries(extra ?? {}).sort()];
}
