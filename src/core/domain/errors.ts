import type { Reason } from '../../api/v1alpha1/conditions.js';

interface Details {
  /**
   * The error that led to this one. Kept on the chain, never put into the message; left out where
   * it holds a secret.
   */
  readonly cause?: unknown;
  /** See `OperatorError.graphText`. */
  readonly graphText?: string | undefined;
  /** See `OperatorError.graphCode`. */
  readonly graphCode?: number | undefined;
}

/**
 * Base class. What sets the subclasses apart is not where they come from but what the caller has to
 * do. `message` is our own sentence: the same failure always has the same one.
 */
export abstract class OperatorError extends Error {
  readonly reason: Reason;
  /**
   * What Graph said, redacted: `Graph 190/463: Error validating access token: …`. It can differ
   * from one try to the next (Graph writes the time of day into it), so nothing is decided by it.
   * undefined: the failure is not an answer of Graph's.
   */
  readonly graphText: string | undefined;
  /**
   * Graph's error code, where it gave one. What it means is known in `graph` alone; elsewhere the
   * class and the reason count.
   */
  readonly graphCode: number | undefined;

  constructor(reason: Reason, message: string, { cause, graphText, graphCode }: Details = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
    this.reason = reason;
    this.graphText = graphText;
    this.graphCode = graphCode;
  }
}

/**
 * Our sentence with Graph's text in brackets behind it, as a user reads it. Without such a text it
 * is the sentence alone.
 */
export function withGraphText(message: string, graphText: string | undefined): string {
  return graphText === undefined ? message : `${message} (${graphText})`;
}

/**
 * Whether `text` is `message` as `withGraphText` writes it, whatever Graph's text was, and whether
 * or not it was cut at its end.
 */
export function isWithGraphText(text: string, message: string): boolean {
  return text === message || (text.startsWith(`${message} (`) && /[)…]$/.test(text));
}

/** All that an error has to say to a user: its message and, where it has one, Graph's text. */
export function fullMessage(error: Error): string {
  return error instanceof OperatorError ? withGraphText(error.message, error.graphText) : error.message;
}

/** May work if tried again: the workqueue backs off exponentially. */
export class TransientError extends OperatorError {}

/**
 * Works again at a known time: the workqueue waits exactly that long and does not count a failure.
 */
export class RateLimitedError extends OperatorError {
  readonly retryAfterMs: number;
  /** Whose budget is spent: the whole app's (all its pages wait) or this page's alone. */
  readonly scope: 'app' | 'page';

  constructor(message: string, retryAfterMs: number, details: Details & { readonly scope?: 'app' | 'page' } = {}) {
    super('RateLimited', message, details);
    this.retryAfterMs = retryAfterMs;
    this.scope = details.scope ?? 'page';
  }
}

/**
 * Will not work by retrying soon: no back-off; the object is marked Stalled and looked at again at
 * long, growing intervals.
 */
export class TerminalError extends OperatorError {
  /** Which item of the list that was sent is refused, from 0; undefined where Graph did not say. */
  readonly refusedIndex: number | undefined;

  constructor(reason: Reason, message: string, details: Details & { readonly refusedIndex?: number | undefined } = {}) {
    super(reason, message, details);
    this.refusedIndex = details.refusedIndex;
  }
}

/**
 * The app's own credential was refused (secret, proof, app token): parks the app's pages, says
 * nothing about any of them.
 */
export class AppCredentialError extends OperatorError {}

/**
 * This process may not write (any more): it does not lead, or its lease is too old. The pass ends
 * and reports nothing.
 */
export class NotLeaderError extends Error {
  constructor(message = 'this replica does not hold a fresh lease') {
    super(message);
    this.name = 'NotLeaderError';
  }
}

/**
 * The object changed since the pass began: the pass ends, reports nothing, and the key is queued
 * again.
 */
export class StaleReadError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'StaleReadError';
  }
}

/**
 * The cluster gave no usable answer (network, timeout, 429, 5xx, 403). Says nothing about any
 * object: back off, no condition changes.
 */
export class ClusterUnavailableError extends Error {
  constructor(message: string, { cause }: Details = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'ClusterUnavailableError';
  }
}

export type Disposition =
  | { readonly kind: 'backoff' }
  | { readonly kind: 'requeue' }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'stall'; readonly reason: Reason };

/**
 * The single place where an error becomes a decision. An unknown error is a bug or an outage: back
 * off.
 */
export function dispositionOf(error: unknown): Disposition {
  if (error instanceof StaleReadError || error instanceof NotLeaderError) return { kind: 'requeue' };
  if (error instanceof RateLimitedError) return { kind: 'wait', ms: error.retryAfterMs };
  if (error instanceof TerminalError) return { kind: 'stall', reason: error.reason };
  return { kind: 'backoff' };
}
