import type { IncomingMessage } from 'node:http';
import type { Clock } from '../../kit/clock.js';
import type { WebhookLimits } from '../limits.js';
import type { MinimumRate } from './minimum-rate.js';
import type { UnverifiedBudget, UnverifiedShare } from './unverified-budget.js';
import type { UnverifiedRateLimit } from './unverified-rate-limit.js';

export type BodyResult =
  /**
   * The chunks are not joined yet: that is wasted where the signature does not verify.
   * `limitedBytes` were counted against the rate limit.
   */
  | { readonly ok: true; readonly chunks: readonly Buffer[]; readonly limitedBytes: number }
  | { readonly ok: false; readonly why: 'too_large' | 'unverified_budget' | 'too_slow' | 'cut_off' };

export interface BodyDeps {
  readonly limits: WebhookLimits;
  readonly budget: UnverifiedBudget;
  readonly minimumRate: MinimumRate;
  readonly rateLimit: UnverifiedRateLimit;
  readonly clock: Clock;
}

/** A hash of the body. */
export interface BodyHash {
  update(chunk: Buffer): void;
}

/** The chunks in one piece. */
export function wholeOf(chunks: readonly Buffer[]): Buffer {
  const [only] = chunks;
  return chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks);
}

/** Whether the body is over the limit by its own Content-Length. */
export function declaredTooLarge(req: IncomingMessage, limits: WebhookLimits): boolean {
  return Number(req.headers['content-length'] ?? 0) > limits.maxBodyBytes;
}

/**
 * Reads a body whose signature is not verified yet: never more than the size limit, within the
 * budget for unverified bytes, not slower than the minimum rate, large ones within the rate limit.
 */
export class BodyReader {
  readonly startedMs: number;
  receivedBytes = 0;
  #limitedBytes = 0;
  readonly #deps: BodyDeps;
  readonly #req: IncomingMessage;
  readonly #hash: BodyHash;
  readonly #share: UnverifiedShare;
  /** undefined: it was called. */
  #done: ((result: BodyResult) => void) | undefined;
  #chunks: Buffer[] = [];

  /**
   * Starts at once.
   * @param hash sees every byte once, as it arrives
   * @param done called once
   */
  constructor(deps: BodyDeps, req: IncomingMessage, hash: BodyHash, done: (result: BodyResult) => void) {
    this.#deps = deps;
    this.#req = req;
    this.#hash = hash;
    this.#done = done;
    this.startedMs = deps.clock.monotonicMs();
    this.#share = deps.budget.open(req.socket);
    deps.minimumRate.add(this);
    // The listeners stay as long as the request: removing them costs more than a call that does
    // nothing.
    req.on('data', this.#onData);
    req.on('end', this.#onEnd);
    req.on('close', this.#onClose);
    req.on('error', this.#onClose);
  }

  /** Called when it is below the minimum rate. */
  abort(): void {
    this.#finish({ ok: false, why: 'too_slow' });
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.#done === undefined) return;
    this.receivedBytes += chunk.length;
    if (this.receivedBytes > this.#deps.limits.maxBodyBytes) {
      this.#finish({ ok: false, why: 'too_large' });
    } else if (!this.#share.take(chunk.length)) {
      this.#finish({ ok: false, why: 'unverified_budget' });
    } else {
      this.#chunks.push(chunk);
      this.#hash.update(chunk);
      this.#limitRate(chunk.length);
    }
  };

  #limitRate(bytes: number): void {
    const { limits, rateLimit } = this.#deps;
    if (this.receivedBytes <= limits.smallBodyBytes) return;
    this.#limitedBytes += bytes;
    if (!rateLimit.take(bytes, this.#resume)) this.#req.pause();
  }

  readonly #resume = (): void => {
    this.#req.resume();
  };

  readonly #onEnd = (): void => {
    if (this.#done !== undefined) this.#finish({ ok: true, chunks: this.#chunks, limitedBytes: this.#limitedBytes });
  };

  readonly #onClose = (): void => {
    this.#finish({ ok: false, why: 'cut_off' });
  };

  #finish(result: BodyResult): void {
    const done = this.#done;
    if (done === undefined) return;
    this.#done = undefined;
    this.#chunks = [];
    this.#deps.minimumRate.delete(this);
    this.#deps.rateLimit.delete(this.#resume);
    this.#share.release();
    done(result);
  }
}
