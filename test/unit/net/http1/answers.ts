import { ResponseReader, type Progress } from '../../../../src/net/http1/response-reader.js';

/** What became of an answer, however its bytes were cut. */
export interface Reading {
  /** `reading`: it had not ended when the bytes had. */
  readonly progress: Progress;
  readonly status: number | undefined;
  /** The connection may carry another request: nothing came behind the answer. */
  readonly again: boolean;
  readonly idleSeconds: number | undefined;
}

/** Of the bytes as they were written: a character is a byte. */
export function bytesOf(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}

/**
 * `cuts`: where one piece ends and the next begins, rising. `thenEnd`: the bot ends its side behind
 * the last piece.
 */
export function readCut(bytes: Buffer, cuts: readonly number[], thenEnd: boolean): Reading {
  const reader = new ResponseReader();
  let progress: Progress = 'reading';
  let from = 0;
  for (const to of [...cuts, bytes.length]) {
    if (progress !== 'reading') break;
    progress = reader.push(bytes.subarray(from, to));
    from = to;
  }
  if (progress === 'reading' && thenEnd) progress = reader.end();
  const { status, mayServeAgain, idleSeconds } = reader;
  // What comes in a later packet meets an idle connection, which it ends.
  return { progress, status, again: progress === 'done' && mayServeAgain && from === bytes.length, idleSeconds };
}

/**
 * After which byte the answer was over; undefined if it was not, or only with the end of the
 * connection.
 */
export function endOf(bytes: Buffer): number | undefined {
  const reader = new ResponseReader();
  for (let at = 0; at < bytes.length; at++) {
    const progress = reader.push(bytes.subarray(at, at + 1));
    if (progress !== 'reading') return progress === 'done' ? at + 1 : undefined;
  }
  return undefined;
}

/** An answer's head with its blank line, and what stands behind that. */
export function answer(head: readonly string[], rest = ''): string {
  return `${head.join('\r\n')}\r\n\r\n${rest}`;
}

/** One of status 200 with a body in chunks, of which `framing` is written as it is. */
export function chunked(framing: string): string {
  return answer(['HTTP/1.1 200 OK', 'Transfer-Encoding: chunked'], framing);
}
