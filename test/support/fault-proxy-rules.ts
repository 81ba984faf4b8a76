import type { IncomingHttpHeaders } from 'node:http';

/** What the proxy does to a request, or to a watch that is open. */
export type Fault =
  /** The connection is closed without an answer, or in the middle of one. */
  | { readonly kind: 'cut' }
  /** The same with a TCP RST. */
  | { readonly kind: 'reset' }
  /**
   * Accepted, then never answered and never closed. An open watch is silent for the rest of its
   * life, healed or not.
   */
  | { readonly kind: 'half-open' }
  /** Half an answer, or half a line of a watch, then silence for the rest of its life. */
  | { readonly kind: 'stall' }
  /** Every line of a watch is lost for the rest of its life; the connection stays. */
  | { readonly kind: 'swallow' }
  /** Every line of a watch comes twice. */
  | { readonly kind: 'duplicate' }
  /** Two lines of a watch change places; one that nothing follows comes late. */
  | { readonly kind: 'reorder' }
  /**
   * A list is answered with the last one that the same user got; an open watch is ended with 410,
   * so that a list follows.
   */
  | { readonly kind: 'replay' }
  /** Requests and lines of watches are late. */
  | { readonly kind: 'delay'; readonly ms: number }
  /** A Status instead of an answer; an open watch gets it as an ERROR line and ends. */
  | { readonly kind: 'status'; readonly code: number; readonly body: unknown; readonly retryAfterSeconds?: number };

/** One request as the proxy sees it. */
export interface SeenRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly token: string;
  /** `system:serviceaccount:…` out of the token; empty for one that is no ServiceAccount's. */
  readonly user: string;
  readonly accept: string;
}

/** Which requests a fault is for; what is left out matches everything. */
export interface FaultRule {
  readonly fault: Fault;
  readonly methods?: readonly string[];
  /** Tested against the path without the query. */
  readonly path?: RegExp;
  readonly user?: string;
  readonly token?: string;
  /** true: only watches. */
  readonly watches?: boolean;
}

export function isWatch({ method, query }: SeenRequest): boolean {
  return method === 'GET' && ['true', '1'].includes(query.get('watch') ?? '');
}

export function matches({ methods, path, user, token, watches }: FaultRule, seen: SeenRequest): boolean {
  if (methods?.includes(seen.method) === false || path?.test(seen.path) === false) return false;
  if (watches === true && !isWatch(seen)) return false;
  return (user === undefined || user === seen.user) && (token === undefined || token === seen.token);
}

export function seenRequest(method: string, target: string, headers: IncomingHttpHeaders): SeenRequest {
  const { pathname, searchParams } = new URL(target, 'https://any');
  const token = /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1] ?? '';
  return { method, path: pathname, query: searchParams, token, user: userOf(token), accept: headers.accept ?? '' };
}

/** The subject of a JWT. Not verified: the API server behind the proxy does that. */
export function userOf(token: string): string {
  try {
    const { sub } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { readonly sub?: unknown };
    return typeof sub === 'string' ? sub : '';
  } catch {
    return '';
  }
}

/** A Status as the API server writes it. */
export function statusBody(code: number, reason: string, more: Readonly<Record<string, unknown>> = {}): unknown {
  const message = 'said by the fault proxy';
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, code, ...more };
}
