import { connect, type Socket } from 'node:net';

/** What came back for one request. `closed`: the connection ended without an answer. */
export type WireAnswer = number | 'closed';

const ANSWER_WITHIN_MS = 15_000;

/**
 * A client that sends exactly the bytes that it is given, one request after the other on one
 * connection as long as that lives.
 */
export class Wire {
  readonly #port: number;
  #socket: Socket | undefined;

  constructor(port: number) {
    this.#port = port;
  }

  /** @throws when neither an answer nor an end comes within 15 s */
  async ask(pieces: readonly Buffer[], end = false): Promise<WireAnswer> {
    const socket = (this.#socket ??= connect({ port: this.#port, host: '127.0.0.1', noDelay: true }));
    const answer = await new Promise<WireAnswer>((resolve, reject) => {
      let text = '';
      const finish = (result: WireAnswer | Error): void => {
        clearTimeout(timer);
        socket.removeAllListeners();
        socket.on('error', () => undefined);
        if (result instanceof Error) reject(result);
        else resolve(result);
      };
      const timer = setTimeout(() => {
        finish(new Error(`no answer within ${ANSWER_WITHIN_MS} ms`));
      }, ANSWER_WITHIN_MS);
      socket.on('data', (chunk) => {
        text += chunk.toString('latin1').replace(/^HTTP\/1\.1 100 [^\r]*\r\n\r\n/, '');
        const status = statusIn(text);
        if (status === undefined) return;
        if (/\r\nconnection: close\r\n/i.test(text)) this.close();
        finish(status);
      });
      socket.on('close', () => {
        this.#socket = undefined;
        finish('closed');
      });
      socket.on('error', () => undefined);
      for (const piece of pieces) socket.write(piece);
      if (end) socket.end();
    });
    if (end) this.close();
    return answer;
  }

  close(): void {
    this.#socket?.destroy();
    this.#socket = undefined;
  }
}

/** The status, once the whole answer has come. */
function statusIn(text: string): number | undefined {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const length = /\r\ncontent-length: (\d+)/i.exec(text.slice(0, end))?.[1];
  const isWhole = length === undefined ? text.endsWith('0\r\n\r\n') : text.length >= end + 4 + Number(length);
  return isWhole ? Number(text.slice(9, 12)) : undefined;
}
