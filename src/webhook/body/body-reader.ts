import type { IncomingMessage } from 'node:http';
import type { Clock } from '../../kit/clock.js';
import type { WebhookLimits } from '../limits.js';
import type { UnverifiedBudget, UnverifiedShare } from './unverified-budget.js';
import type { Pace } from './minimum-rate.js';
import type { Throttle } from './unverified-rate-limit.js';

export type BodyResult =
  /** Not yet in one piece: for nothing, if the signature does not verify. `pacedBytes` were counted as a stranger's. */
  | { readonly ok: true; readonly chunks: readonly Buffer[]; readonly pacedBytes: number }
  | { readonly ok: false; readonly why: 'too_large' | 'unverified_budget' | 'too_slow' | 'cut_off' };

export interface BodyDeps {
  readonly limits: WebhookLimits;
  readonly budget: UnverifiedBudget;
  readonly pace: Pace;
  readonly throttle: Throttle;
  readonly clock: Clock;
}

/** What has come, in one piece. */
export function wholeOf(chunks: readonly Buffer[]): Buffer {
  const [only] = chunks;
  return chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks);
}

/** Who reads a body. */
export interface BodySink {
  /** Sees every byte once, as it arrives. */
  chunk(chunk: Buffer): void;
  /** Called once. */
  done(result: BodyResult): void;
}

/** Whether the sender itself says that its body is over the limit. */
export function declaredTooLarge(req: IncomingMessage, limits: WebhookLimits): boolean {
  return Number(req.headers['content-length'] ?? 0) > limits.maxBodyBytes;
}

/**
 * Reads a body whose signature is still to be checked: never more than the limit, within the budget for unverified bytes,
 * not slower than the floor, large ones not faster than their pace.
 */
export class BodyReader {
  readonly startedMs: number;
  receivedBytes = 0;
  #pacedBytes = 0;
  readonly #deps: BodyDeps;
  readonly #req: IncomingMessage;
  readonly #share: UnverifiedShare;
  #sink: BodySink | undefined;
  #chunks: Buffer[] = [];

  constructor(deps: BodyDeps, req: IncomingMessage, sink: BodySink) {
    this.#deps = deps;
    this.#req = req;
    this.#sink = sink;
    this.startedMs = deps.clock.monotonicMs();
    this.#share = deps.budget.open(req.socket);
    deps.pace.watch(this);
    // The listeners stay until the request goes: taking them off costs more than having them told of nothing.
    req.on('data', this.#onData);
    req.on('end', this.#onEnd);
    req.on('close', this.#onClose);
    req.on('error', this.#onClose);
  }

  /** Called by the pace keeper. */
  cut(): void {
    this.#finish({ ok: false, why: 'too_slow' });
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.#sink === undefined) return;
    this.receivedBytes += chunk.length;
    if (this.receivedBytes > this.#deps.limits.maxBodyBytes) {
      this.#finish({ ok: false, why: 'too_large' });
    } else if (!this.#share.take(chunk.length)) {
      this.#finish({ ok: false, why: 'unverified_budget' });
    } else {
      this.#chunks.push(chunk);
      this.#sink.chunk(chunk);
      this.#keepPace(chunk.length);
    }
  };

  #keepPace(bytes: number): void {
    const { limits, throttle } = this.#deps;
    if (this.receivedBytes <= limits.smallBodyBytes) return;
    this.#pacedBytes += bytes;
    if (!throttle.take(bytes, this.#goOn)) this.#req.pause();
  }

  readonly #goOn = (): void => {
    this.#req.resume();
  };

  readonly #onEnd = (): void => {
    if (this.#sink !== undefined) this.#finish({ ok: true, chunks: this.#chunks, pacedBytes: this.#pacedBytes });
  };

  readonly #onClose = (): void => {
    this.#finish({ ok: false, why: 'cut_off' });
  };

  #finish(result: BodyResult): void {
    const sink = this.#sink;
    if (sink === undefined) return;
    this.#sink = undefined;
    this.#chunks = [];
    this.#deps.pace.forget(this);
    this.#deps.throttle.forget(this.#goOn);
    this.#share.release();
    sink.done(result);
  }
}
