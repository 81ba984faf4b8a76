import { connect, createServer, type Socket } from 'node:net';
import { systemClock, type Clock } from '../../../../src/kit/clock.js';
import { Connections } from '../../../../src/net/http1/connections.js';
import { PendingRequest, type BotAnswer } from '../../../../src/net/http1/bot-connection.js';
import { atEnd, listen } from './real-bots.js';

export const EMPTY_200 = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n';

/** One connection as the bot sees it. */
export interface Peer {
  readonly socket: Socket;
  /** How many came before it. */
  readonly n: number;
}

export interface RawBot {
  readonly port: number;
  readonly peers: readonly Peer[];
  /** The bodies of the requests, as they came. */
  readonly bodies: readonly string[];
}

/**
 * A bot that says any bytes. `onRequest` is called for each request; a small one comes in one
 * piece.
 */
export async function aRawBot(
  onRequest: (peer: Peer, nth: number, body: string) => void,
  onPeer: (peer: Peer) => void = () => undefined,
): Promise<RawBot> {
  const peers: Peer[] = [];
  const bodies: string[] = [];
  const port = await listen(
    createServer((socket) => {
      const peer = { socket, n: peers.length };
      let nth = 0;
      peers.push(peer);
      socket.setNoDelay(true).on('error', () => undefined);
      socket.on('data', (bytes: Buffer) => {
        const text = bytes.toString('latin1');
        if (!text.startsWith('POST ')) return;
        const body = text.slice(text.indexOf('\r\n\r\n') + 4);
        bodies.push(body);
        onRequest(peer, nth++, body);
      });
      onPeer(peer);
      atEnd(() => {
        socket.destroy();
      });
    }),
  );
  return { port, peers, bodies };
}

/** Connects, and keeps what it opened. */
export class Dialler {
  readonly sockets: Socket[] = [];
  readonly #port: number;

  constructor(port: number) {
    this.#port = port;
  }

  readonly dial = (): Promise<Socket> =>
    new Promise((resolve, reject) => {
      const socket = connect(this.#port, '127.0.0.1');
      this.sockets.push(socket);
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve(socket);
      });
      socket.once('error', reject);
    });

  get areAllDestroyed(): boolean {
    return this.sockets.every(({ destroyed }) => destroyed);
  }
}

export interface Pool {
  readonly pool: Connections;
  readonly dialler: Dialler;
}

interface PoolOptions {
  readonly most?: number;
  readonly clock?: Clock;
  readonly dial?: () => Promise<Socket>;
}

export function aPool(port: number, { most = 4, clock = systemClock, dial }: PoolOptions = {}): Pool {
  const dialler = new Dialler(port);
  const pool = new Connections({ clock, most, dial: dial ?? dialler.dial });
  atEnd(() => {
    pool.destroy();
  });
  return { pool, dialler };
}

export interface Asked {
  readonly pending: PendingRequest;
  readonly answer: Promise<BotAnswer>;
}

/** `then` is called at once, as the pool's user is. Nothing hangs: after 10 s time is up. */
export function ask({ pool }: Pick<Pool, 'pool'>, body: string | Buffer = 'x', then: (answer: BotAnswer) => void = () => undefined): Asked {
  const bytes = Buffer.from(body);
  let settle: (answer: BotAnswer) => void = () => undefined;
  const answer = new Promise<BotAnswer>((resolve) => (settle = resolve));
  const head = `POST / HTTP/1.1\r\nhost: bot\r\ncontent-length: ${bytes.length}\r\n\r\n`;
  const pending = new PendingRequest(head, bytes, Infinity, (came) => {
    cancel();
    then(came);
    settle(came);
  });
  const cancel = systemClock.setTimer(10_000, () => {
    pending.expire();
  });
  pool.send(pending);
  return { pending, answer };
}

export function answerTo(pool: Pick<Pool, 'pool'>, body?: string | Buffer): Promise<BotAnswer> {
  return ask(pool, body).answer;
}
