import type { IncomingMessage } from 'node:http';

import type { Clock } from '../core/clock.js';

import type { UnverifiedBudget, UnverifiedShare } from './budget.js';
import type { WebhookLimits } from './limits.js';
import type { Pace } from './pace.js';
import type { Throttle } from './throttle.js';

export type BodyResult =
  /** `bytes` makes one piece of what has come: for nothing, if the signature does not verify. */
  | { readonly ok: true; readonly bytes: () => Buffer }
  | { readonly ok: false; readonly why: 'too_large' | 'unverified_budget' | 'too_slow' | 'cut_off' };

export interface BodyDeps {
  readonly limits: WebhookLimits;
  readonly budget: UnverifiedBudget;
  readonly pace: Pace;
  readonly throttle: Throttle;
  readonly clock: Clock;
}

/** Whether the sender itself says that its body is over the limit. */
export function declaredTooLarge(req: IncomingMessage, limits: WebhookLimits): boolean {
  return Number(req.headers['content-length'] ?? 0) > limits.maxBodyBytes;
}

/**
 * Reads a body whose signature is still to be checked: never more than the limit, within the budget for unverified bytes,
 * not slower than the floor, large ones not faster than their pace. `chunk` sees every byte once, as it arrives. `done` is called once.
 */
export class BodyReader {
  readonly startedMs: number;
  receivedBytes = 0;
  readonly #deps: BodyDeps;
  readonly #req: IncomingMessage;
  readonly #share: UnverifiedShare;
  readonly #chunk: (chunk: Buffer) => void;
  #done: ((result: BodyResult) => void) | undefined;
  #chunks: Buffer[] = [];

  constructor(deps: BodyDeps, req: IncomingMessage, chunk: (chunk: Buffer) => void, done: (result: BodyResult) => void) {
    this.#deps = deps;
    this.#req = req;
    this.#chunk = chunk;
    this.#done = done;
    this.startedMs = deps.clock.monotonicMs();
    this.#share = deps.budget.open(req.socket);
    deps.pace.watch(this);
    req.on('data', this.#onData);
    req.once('end', this.#onEnd);
    req.once('close', this.#onClose);
    req.on('error', this.#onClose);
  }

  /** Called by the pace keeper. */
  cut(): void {
    this.#finish({ ok: false, why: 'too_slow' });
  }

  readonly #onData = (chunk: Buffer): void => {
    this.receivedBytes += chunk.length;
    if (this.receivedBytes > this.#deps.limits.maxBodyBytes) {
      this.#finish({ ok: false, why: 'too_large' });
    } else if (!this.#share.take(chunk.length)) {
      this.#finish({ ok: false, why: 'unverified_budget' });
    } else {
      this.#chunks.push(chunk);
      this.#chunk(chunk);
      this.#keepPace(chunk.length);
    }
  };

  #keepPace(bytes: number): void {
    const { limits, throttle } = this.#deps;
    if (this.receivedBytes > limits.smallBodyBytes && !throttle.take(bytes, this.#goOn)) this.#req.pause();
  }

  readonly #goOn = (): void => {
    this.#req.resume();
  };

  readonly #onEnd = (): void => {
    const chunks = this.#chunks;
    const [only] = chunks;
    this.#finish({ ok: true, bytes: () => (chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks, this.receivedBytes)) });
  };

  readonly #onClose = (): void => {
    this.#finish({ ok: false, why: 'cut_off' });
  };

  #finish(result: BodyResult): void {
    const done = this.#done;
    if (done === undefined) return;
    this.#done = undefined;
    this.#chunks = [];
    this.#req.off('data', this.#onData);
    this.#req.off('end', this.#onEnd);
    this.#req.off('close', this.#onClose);
    this.#deps.pace.forget(this);
    this.#deps.throttle.forget(this.#goOn);
    this.#share.release();
    done(result);
  }
}
