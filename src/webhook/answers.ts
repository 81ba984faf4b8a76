import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../kit/clock.js';
import type { WebhookLimits } from './limits.js';
import type { Refusal } from './observer.js';

interface Answer {
  readonly status: number;
  readonly text: string;
}

/** The status and text of each refusal. The texts say no more than a stranger may know. */
export const REFUSAL_ANSWERS: Readonly<Record<Refusal, Answer>> = {
  bad_request: { status: 400, text: 'bad request\n' },
  not_synced: { status: 503, text: 'not ready\n' },
  no_app: { status: 404, text: 'not found\n' },
  method: { status: 405, text: 'method not allowed\n' },
  draining: { status: 503, text: 'stopping\n' },
  over_in_flight: { status: 503, text: 'busy\n' },
  no_signature: { status: 401, text: 'signature required\n' },
  too_large: { status: 413, text: 'body too large\n' },
  unverified_budget: { status: 503, text: 'busy\n' },
  too_slow: { status: 408, text: 'body too slow\n' },
  cut_off: { status: 400, text: 'body cut off\n' },
  bad_signature: { status: 401, text: 'signature does not match\n' },
  secret_not_loaded: { status: 503, text: 'not ready\n' },
};

export const OK: Answer = { status: 200, text: 'ok\n' };
export const TRY_AGAIN: Answer = { status: 503, text: 'try again\n' };
/** Nearly all answers are this one, so its headers are made once. */
const OK_HEADERS = headersFor(OK.status, OK.text, false);

/** Sends a short plain text. `closing`: the answer closes the connection. */
export function send(res: ServerResponse, answer: Answer, closing: boolean): void {
  if (res.headersSent || res.destroyed) return;
  const { status, text } = answer;
  res.writeHead(status, answer === OK && !closing ? OK_HEADERS : headersFor(status, text, closing));
  // As many bytes as characters is ASCII, which Node writes together with the head as it is.
  res.end(text, Buffer.byteLength(text) === text.length ? 'latin1' : 'utf8');
}

/**
 * Name, value, name, value, …: Node writes a list without looking for duplicates as it does in an
 * object.
 */
function headersFor(status: number, text: string, closing: boolean): string[] {
  const headers = ['Content-Type', 'text/plain; charset=utf-8', 'X-Content-Type-Options', 'nosniff'];
  headers.push('Content-Length', String(Buffer.byteLength(text)));
  if (status === 405) headers.push('Allow', 'GET, POST');
  if (closing) headers.push('Connection', 'close');
  return headers;
}

interface Lingering {
  readonly limits: WebhookLimits;
  readonly clock: Clock;
  /** The answer closes the connection in any case. */
  readonly closing: boolean;
}

/**
 * Answers a request whose body was not (wholly) read. If little is left, it is discarded and the
 * connection stays open. Otherwise some of it is read before the connection is closed: closing with
 * unread bytes would reset the connection, and the sender would never see the answer.
 */
export function sendUnread(req: IncomingMessage, res: ServerResponse, answer: Answer, how: Lingering): void {
  if (res.headersSent || res.destroyed) return;
  if (req.complete || restIsSmall(req, answer.status, how.limits)) {
    send(res, answer, how.closing);
    return;
  }
  res.writeHead(answer.status, headersFor(answer.status, answer.text, true));
  res.write(answer.text);
  linger(req, res, how);
}

/**
 * Whether to read and discard the rest. A sender without its 100 Continue may never send it; a slow
 * one is not waited for.
 */
function restIsSmall(req: IncomingMessage, status: number, { smallBodyBytes }: WebhookLimits): boolean {
  if (status === 408 || req.headers.expect !== undefined || req.headers['transfer-encoding'] !== undefined) return false;
  return Number(req.headers['content-length'] ?? 0) <= smallBodyBytes;
}

function linger(req: IncomingMessage, res: ServerResponse, { limits, clock }: Lingering): void {
  let left = limits.lingerBytes;
  const finish = (): void => {
    cancel();
    req.pause();
    res.end();
  };
  const cancel = clock.setTimer(limits.lingerMs, finish);
  req.on('data', (chunk: Buffer) => {
    left -= chunk.length;
    if (left <= 0) finish();
  });
  req.once('end', finish);
  req.once('close', finish);
  req.resume();
}
