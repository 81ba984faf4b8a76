import { ClusterUnavailableError } from '../core/domain/errors.js';

const SHOWN_CHARACTERS = 512;
/**
 * The API server asks for seconds. What a broken proxy may ask for must not blind the operator for
 * hours.
 */
const LONGEST_WAIT_MS = 60_000;

/** Parts of a `Status` that decisions are made by. */
interface StatusBody {
  readonly code?: number;
  readonly reason?: string;
  readonly message?: string;
  readonly details?: { readonly retryAfterSeconds?: number; readonly causes?: readonly { readonly reason?: string }[] };
}

/** The API server answered, but not with what was asked for. The message holds no credential. */
export class KubeStatusError extends Error {
  /** The HTTP status, or that of an ERROR event of a watch. */
  readonly code: number;
  /** `NotFound`, `Conflict`, `Expired`, …; empty where the body is no Status. */
  readonly reason: string;
  /**
   * How long the server wants to be left alone, a minute at most; undefined where it did not say.
   */
  readonly retryAfterMs: number | undefined;
  readonly causes: readonly string[];
  /** What the server said, on one line. */
  readonly explanation: string;

  constructor(what: string, code: number, body: unknown, retryAfterMs?: number) {
    const { reason = '', message = 'no explanation', details } = asStatus(body);
    const explanation = message.replace(/\s+/g, ' ').slice(0, SHOWN_CHARACTERS);
    super(`${what}: ${code} ${reason} ${explanation}`);
    this.name = 'KubeStatusError';
    this.code = code;
    this.explanation = explanation;
    this.reason = reason;
    const seconds = details?.retryAfterSeconds;
    const askedMs = retryAfterMs ?? (typeof seconds === 'number' && seconds > 0 ? seconds * 1_000 : undefined);
    this.retryAfterMs = askedMs === undefined ? undefined : Math.min(LONGEST_WAIT_MS, askedMs);
    this.causes = (details?.causes ?? []).map((cause) => cause.reason ?? '');
  }
}

/** The code that a Status carries itself, for those that come without an HTTP status. */
export function statusCode(body: unknown): number {
  const { code } = asStatus(body);
  return typeof code === 'number' ? code : 0;
}

export function isStatus(error: unknown, ...codes: readonly number[]): error is KubeStatusError {
  return error instanceof KubeStatusError && codes.includes(error.code);
}

/**
 * A resourceVersion that the server does not have any more (410) or not yet (504): only a new list
 * helps.
 */
export function needsRelist(error: unknown): boolean {
  if (!(error instanceof KubeStatusError)) return false;
  if (error.code === 410 || error.reason === 'Expired' || error.reason === 'Gone') return true;
  return error.causes.includes('ResourceVersionTooLarge');
}

/**
 * What a caller outside src/k8s gets to see of a failed request: ClusterUnavailableError, whether
 * the server could not be reached or would not answer. The signal's own reason passes through, so
 * that an abort stays an abort.
 */
export function unavailable(error: unknown, signal?: AbortSignal): Error {
  if (signal?.aborted === true && signal.reason instanceof Error) return signal.reason;
  if (error instanceof ClusterUnavailableError) return error;
  return new ClusterUnavailableError(error instanceof Error ? error.message : 'the API server could not be asked', { cause: error });
}

/** `Retry-After` in seconds, as the API server writes it. */
export function retryAfterMs(header: string | string[] | undefined): number | undefined {
  const text = Array.isArray(header) ? header[0] : header;
  return text !== undefined && /^\d{1,5}$/.test(text) ? Number(text) * 1_000 : undefined;
}

function asStatus(body: unknown): StatusBody {
  return typeof body === 'object' && body !== null ? body : {};
}
