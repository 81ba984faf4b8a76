import { createHmac } from 'node:crypto';
import { connect, type Socket } from 'node:net';

export interface AbuseOptions {
  readonly port: number;
  /**
   * Connections that never send anything; one that is ended from the other side is opened again.
   */
  readonly idle: number;
  /** Connections whose headers never end, a byte a second. */
  readonly slowHeaders: number;
  /** Connections that send a body a byte a second. */
  readonly slowBodies: number;
  /**
   * All slow ones send their bytes in the same millisecond; else spread over the second, as senders
   * that know nothing of each other.
   */
  readonly inStep?: boolean;
  /**
   * Connections that send bodies of 8 MiB with a wrong signature, one after the other, as fast as
   * they are taken.
   */
  readonly junk: number;
}

export interface AbuseCounts {
  open: number;
  /** Bytes of junk that the system took. */
  junkBytes: number;
  /** First lines of answers. */
  readonly answers: Record<string, number>;
}

const EIGHT_MIB = 8 * 1_024 * 1_024;
const PIECE = Buffer.alloc(64 * 1_024, '{"object":"page","entry":[{"id":"104500000000001"}]}');
const signature = `sha256=${createHmac('sha256', 'not-the-secret').update('').digest('hex')}`;
const head = (length: number): string =>
  `POST /webhooks/messenger HTTP/1.1\r\nHost: a\r\nX-Hub-Signature-256: ${signature}\r\nContent-Length: ${length}\r\n\r\n`;

/**
 * Everything that a stranger can do to the public listener to keep it busy. Broken connections are
 * made anew.
 */
export class Abuse {
  readonly counts: AbuseCounts = { open: 0, junkBytes: 0, answers: {} };
  readonly #port: number;
  readonly #sockets = new Set<Socket>();
  readonly #timer: NodeJS.Timeout | undefined;
  /** Those of one phase send together. */
  readonly #phases: readonly Set<Socket>[];
  #phase = 0;
  #slowOnes = 0;
  #stopped = false;

  constructor({ port, idle, slowHeaders, slowBodies, junk, inStep = false }: AbuseOptions) {
    this.#port = port;
    this.#phases = Array.from({ length: inStep ? 1 : 100 }, () => new Set());
    for (let i = 0; i < idle; i++) this.#openIdle();
    for (let i = 0; i < slowHeaders; i++) this.#openSlow('POST /webhooks/messenger HTTP/1.1\r\nHost: a\r\nX-A: ');
    for (let i = 0; i < slowBodies; i++) this.#openSlow(head(5_000));
    for (let i = 0; i < junk; i++) this.#junk();
    // Idle ones alone need no timer: a process that wakes a hundred times a second is what would be
    // measured.
    if (slowHeaders + slowBodies === 0) return;
    this.#timer = setInterval(() => {
      this.#phase = (this.#phase + 1) % this.#phases.length;
      for (const socket of this.#phases[this.#phase] ?? []) socket.write('x');
    }, 1_000 / this.#phases.length);
  }

  stop(): void {
    this.#stopped = true;
    clearInterval(this.#timer);
    for (const socket of this.#sockets) socket.destroy();
  }

  #openIdle(): void {
    this.#open(
      () => undefined,
      () => {
        this.#openIdle();
      },
    );
  }

  #openSlow(start: string): void {
    this.#open(
      (socket) => {
        socket.write(start);
        const phase = this.#phases[this.#slowOnes++ % this.#phases.length];
        phase?.add(socket);
        socket.once('close', () => phase?.delete(socket));
      },
      () => {
        this.#openSlow(start);
      },
    );
  }

  #junk(): void {
    this.#open(
      (socket) => {
        this.#pour(socket, 0);
      },
      () => {
        this.#junk();
      },
    );
  }

  /** Pours until the body is whole, then begins the next one on the same connection. */
  #pour(socket: Socket, sent: number): void {
    let poured = sent;
    if (poured === 0) socket.write(head(EIGHT_MIB));
    for (let more = true; more && !socket.destroyed;) {
      more = socket.write(PIECE);
      poured = (poured + PIECE.length) % EIGHT_MIB;
      this.counts.junkBytes += PIECE.length;
      if (poured === 0 && more) socket.write(head(EIGHT_MIB));
    }
    socket.once('drain', () => {
      this.#pour(socket, poured);
    });
  }

  #open(begin: (socket: Socket) => void, again?: () => void): void {
    const socket = connect({ port: this.#port, host: '127.0.0.1', noDelay: true });
    this.#sockets.add(socket);
    socket.once('connect', () => {
      this.counts.open++;
      begin(socket);
      socket.once('close', () => this.counts.open--);
    });
    socket.on('data', (chunk) => {
      const line = chunk.toString('latin1').slice(9, 12);
      this.counts.answers[line] = (this.counts.answers[line] ?? 0) + 1;
    });
    socket.on('error', () => undefined);
    socket.once('close', () => {
      this.#sockets.delete(socket);
      if (!this.#stopped && again !== undefined) setTimeout(again, 5);
    });
  }
}
