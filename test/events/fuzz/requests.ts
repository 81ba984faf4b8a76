import { createHmac } from 'node:crypto';
import { APP_SECRET } from '../support/edge.js';
import type { Random } from './random.js';

/** One request as bytes, and what may come back. */
export interface FuzzRequest {
  readonly pieces: readonly Buffer[];
  /** The client closes its side behind the last byte. */
  readonly end: boolean;
  /** Its body and its signature arrive whole and right: 200, and its items reach their bots. */
  readonly verifies: boolean;
  /** What else may be answered; `closed`: nothing. Never a 2xx. */
  readonly refusals: readonly (number | 'closed')[];
}

interface Draft {
  readonly headers: readonly string[];
  readonly body: Buffer;
  readonly random: Random;
}

const sign = (body: Buffer, secret = APP_SECRET): string => `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
const START = ['POST /webhooks/messenger HTTP/1.1', 'Host: bots.example.com', 'Content-Type: application/json'];

function whole({ headers, body }: Pick<Draft, 'headers' | 'body'>): Buffer {
  return Buffer.concat([Buffer.from(`${[...START, `Content-Length: ${body.length}`, ...headers].join('\r\n')}\r\n\r\n`, 'latin1'), body]);
}

function chunked({ headers, body, random }: Draft, last = '0\r\n\r\n'): Buffer {
  const pieces: Buffer[] = [Buffer.from(`${[...START, 'Transfer-Encoding: chunked', ...headers].join('\r\n')}\r\n\r\n`)];
  for (let at = 0; at < body.length;) {
    const size = Math.min(body.length - at, 1 + random.int(random.chance(50) ? 20_000 : 500));
    pieces.push(Buffer.from(`${size.toString(16)}\r\n`), body.subarray(at, at + size), Buffer.from('\r\n'));
    at += size;
  }
  pieces.push(Buffer.from(last));
  return Buffer.concat(pieces);
}

/** In several pieces, as a network cuts them. */
function inPieces(bytes: Buffer, random: Random): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const size = 1 + random.int(bytes.length);
    pieces.push(bytes.subarray(at, at + size));
    at += size;
  }
  return pieces;
}

/** A body that is signed rightly, sent in some way that HTTP permits. */
export function signedRequest(body: Buffer, random: Random): FuzzRequest {
  const signature = sign(body);
  const name = random.pick(['X-Hub-Signature-256', 'x-hub-signature-256']);
  const value = random.chance(90) ? signature : `sha256=${signature.slice(7).toUpperCase()}`;
  const headers = [`${name}: ${value}`, ...extraHeaders(random)];
  const bytes = random.chance(20) ? chunked({ headers, body, random }) : whole({ headers, body });
  return { pieces: random.chance(10) ? inPieces(bytes, random) : [bytes], end: false, verifies: true, refusals: [] };
}

function extraHeaders(random: Random): string[] {
  return Array.from({ length: random.chance(90) ? 0 : random.int(50) }, (_, i) => `X-Extra-${i}: ${'v'.repeat(random.int(200))}`);
}

type Spoil = (draft: Draft) => Pick<FuzzRequest, 'refusals'> & { readonly bytes: Buffer; readonly end?: boolean };

const right = (body: Buffer): string => `X-Hub-Signature-256: ${sign(body)}`;

/** Ways in which a request must not verify. */
const SPOILS: readonly [Spoil, ...Spoil[]] = [
  ({ body }) => ({ bytes: whole({ headers: [], body }), refusals: [401] }),
  ({ body }) => ({ bytes: whole({ headers: [`X-Hub-Signature-256: ${sign(body, 'another-secret')}`], body }), refusals: [401] }),
  ({ body, random }) => {
    const changed = Buffer.from(sign(body));
    const at = 7 + random.int(64);
    changed[at] = changed[at] === 0x30 ? 0x31 : 0x30;
    return { bytes: whole({ headers: [`X-Hub-Signature-256: ${changed.toString()}`], body }), refusals: [401] };
  },
  ({ body, random }) => {
    const value = random.pick([
      '',
      'sha256=',
      'sha256',
      sign(body).slice(0, -1),
      `${sign(body)}0`,
      sign(body).slice(7),
      `SHA256=${sign(body).slice(7)}`,
      'sha256=__proto__',
    ]);
    return { bytes: whole({ headers: [`X-Hub-Signature-256: ${value}`], body }), refusals: [401] };
  },
  ({ body }) => ({ bytes: whole({ headers: [right(body), right(body)], body }), refusals: [401] }),
  ({ body }) => ({
    bytes: whole({ headers: [`X-Hub-Signature: sha1=${createHmac('sha1', APP_SECRET).update(body).digest('hex')}`], body }),
    refusals: [401],
  }),
  // One byte more or less than what was signed.
  ({ body }) => ({ bytes: whole({ headers: [right(body)], body: Buffer.concat([body, Buffer.from(' ')]) }), refusals: [401] }),
  ({ body }) => ({ bytes: whole({ headers: [right(Buffer.concat([body, Buffer.from('x')]))], body }), refusals: [401] }),
  // More is promised than comes; less is promised than comes.
  ({ body }) => {
    const bytes = whole({ headers: [right(body)], body: Buffer.concat([body, Buffer.from('xx')]) });
    return { bytes: bytes.subarray(0, bytes.length - 2), end: true, refusals: ['closed', 400] };
  },
  ({ body }) => {
    const signature = right(Buffer.concat([body, Buffer.from('GET ')]));
    return { bytes: Buffer.concat([whole({ headers: [signature], body }), Buffer.from('GET ')]), end: true, refusals: [401] };
  },
  ({ body, random }) => ({ bytes: chunked({ headers: [right(body)], body, random }, 'x\r\n\r\n'), end: true, refusals: [400] }),
  ({ body, random }) => ({ bytes: chunked({ headers: [right(body)], body, random }, ''), end: true, refusals: ['closed', 400] }),
  ({ body, random }) => ({
    bytes: chunked({ headers: [right(body), `Content-Length: ${body.length}`], body, random }),
    end: true,
    refusals: [400],
  }),
  ({ body }) => ({ bytes: whole({ headers: [right(body), `Content-Length: ${body.length + 1}`], body }), end: true, refusals: [400] }),
  // So many headers that the signature's is one too many; headers over the limit.
  ({ body }) => ({
    bytes: whole({ headers: [...Array.from({ length: 100 }, (_, i) => `X-${i}: 1`), right(body)], body }),
    refusals: [401, 431],
  }),
  ({ body }) => ({ bytes: whole({ headers: [right(body), `X-Long: ${'v'.repeat(20_000)}`], body }), end: true, refusals: [431] }),
  ({ body }) => ({ bytes: whole({ headers: [right(body), 'Bad Header: 1'], body }), end: true, refusals: [400] }),
];

/** The same bodies, not or not rightly signed, or not as HTTP wants them. */
export function spoiltRequest(body: Buffer, random: Random): FuzzRequest {
  // So that something is missing where something is cut off.
  const { bytes, end = false, refusals } = random.pick(SPOILS)({ headers: [], body: body.length === 0 ? Buffer.from('{}') : body, random });
  return { pieces: [bytes], end, verifies: false, refusals };
}
