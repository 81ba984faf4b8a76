import type { Socket } from 'node:net';
import type { Expiring } from '../../kit/deadlines.js';
import { TickBatch } from '../../kit/tick-batch.js';
import type { Exchange, NoAnswer } from './exchange.js';
import { ResponseReader } from './response-reader.js';

/** A request up to this size leaves in one piece; a larger body is not copied behind its head. */
const ONE_PIECE_BYTES = 16 * 1_024;

/** Whose the connection is. */
export interface Owner {
  /** It may serve again. `idleSeconds`: how long the bot keeps it open without a request, if it said so. */
  freed(connection: BotConnection, idleSeconds: number | undefined): void;
  /** It never will. */
  gone(connection: BotConnection): void;
}

/**
 * One HTTP/1.1 connection to a bot, one request at a time. It serves again only after an answer that was read to its end and
 * leaves no doubt about where that was; whatever comes unasked ends it.
 */
export class BotConnection implements Expiring {
  /** For its owner: until when it may wait for a request. */
  deadlineMs = 0;
  slot = -1;
  readonly #owner: Owner;
  readonly #reader = new ResponseReader();
  #socket: Socket | undefined;
  #exchange: Exchange | undefined;
  #isGone = false;

  /** Dials at once. `first` is sent when that has succeeded, or learns why it has not. */
  constructor(dial: () => Promise<Socket>, owner: Owner, first: Exchange) {
    this.#owner = owner;
    this.#exchange = first;
    dial().then(this.#connected, this.#notConnected);
  }

  /** Only when it was freed. The request leaves at the end of the turn. */
  send(exchange: Exchange): void {
    this.#exchange = exchange;
    outgoing.add(this);
  }

  /** Ends it. A request under way has no answer then; one of which no byte has left may be tried elsewhere. */
  destroy(): void {
    this.#break('reset');
  }

  /** Nobody had a request for it in time. */
  expire(): void {
    this.destroy();
  }

  /** By the exchange, when its time is up. */
  abandon(): void {
    this.#break('timeout');
  }

  readonly #connected = (socket: Socket): void => {
    if (this.#isGone) {
      socket.on('error', ignore);
      socket.destroy();
      return;
    }
    // It would tell nobody any more that it is closed.
    if (socket.destroyed) {
      this.#notConnected(undefined);
      return;
    }
    this.#socket = socket;
    socket.on('data', this.#onData);
    socket.on('end', this.#onEnd);
    socket.on('error', this.#onClose);
    socket.on('close', this.#onClose);
    outgoing.add(this);
  };

  readonly #notConnected = (error: unknown): void => {
    this.#exchange?.refuse(error);
    this.#exchange = undefined;
    this.#leave();
  };

  /** By the end of the turn. */
  write(): void {
    const socket = this.#socket;
    const exchange = this.#exchange;
    if (this.#isGone || socket === undefined) return;
    if (exchange === undefined || exchange.settled) {
      this.#exchange = undefined;
      this.#owner.freed(this, undefined);
      return;
    }
    exchange.start(this);
    this.#reader.reset();
    const { head, body } = exchange;
    if (head.length + body.length > ONE_PIECE_BYTES) {
      socket.cork();
      socket.write(head, 'latin1');
      socket.write(body);
      socket.uncork();
      return;
    }
    const bytes = Buffer.allocUnsafe(head.length + body.length);
    bytes.write(head, 'latin1');
    bytes.set(body, head.length);
    socket.write(bytes);
  }

  readonly #onData = (bytes: Buffer): void => {
    if (this.#exchange?.started !== true) {
      this.#break('reset');
      return;
    }
    const progress = this.#reader.push(bytes);
    if (progress === 'done') this.#answered();
    else if (progress !== 'reading') this.#break('reset');
  };

  /** Free first: what the answer lets begin finds this connection, not a new one. */
  #answered(): void {
    const { status, mayServeAgain, idleSeconds } = this.#reader;
    const exchange = this.#exchange;
    this.#exchange = undefined;
    // A bot that answers before it has read everything will not read the next request as one.
    if (mayServeAgain && this.#socket?.writableLength === 0) this.#owner.freed(this, idleSeconds);
    else this.#leave();
    exchange?.end(status, 'reset');
  }

  readonly #onEnd = (): void => {
    if (this.#exchange?.started === true && this.#reader.end() === 'done') this.#answered();
    else this.#break('reset');
  };

  readonly #onClose = (): void => {
    this.#break('reset');
  };

  #break(why: NoAnswer): void {
    const exchange = this.#exchange;
    this.#exchange = undefined;
    this.#leave();
    if (exchange?.started === false) exchange.refuse();
    else exchange?.end(this.#reader.status, why);
  }

  #leave(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#socket?.destroy();
    this.#owner.gone(this);
  }
}

const outgoing = new TickBatch<BotConnection>((connection) => {
  connection.write();
});

function ignore(): void {
  // Nobody is interested in how it ends.
}
