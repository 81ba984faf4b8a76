import type { Socket } from 'node:net';
import type { Expiring } from '../../kit/deadlines.js';
import { TickBatch } from '../../kit/tick-batch.js';
import { AddressRefusedError } from '../dial/connector.js';
import { NameError } from '../dial/resolver.js';
import { ResponseReader } from './response-reader.js';

/** A request up to this size leaves in one piece; a larger body is not copied behind its head. */
const ONE_PIECE_BYTES = 16 * 1_024;

/** Why a request has no answer. */
export type NoAnswer = 'timeout' | 'connect' | 'reset' | 'dns' | 'address_refused' | 'bad_target';

export type BotAnswer = { readonly kind: 'answer'; readonly status: number } | { readonly kind: 'none'; readonly why: NoAnswer };

const NOTHING = Buffer.alloc(0);

/**
 * A request from when it is asked for until it has its answer or cannot have one. It settles once,
 * and then lets go of its bytes: it may still stand in a queue.
 */
export class PendingRequest implements Expiring {
  /** Request line and headers, with the blank line. */
  head: string;
  body: Buffer;
  /** A connection took it. Until then no byte was sent, and another connection may be tried. */
  started = false;
  settled = false;
  readonly deadlineMs: number;
  slot = -1;
  #connection: BotConnection | undefined;
  #settle: ((answer: BotAnswer) => void) | undefined;

  constructor(head: string, body: Buffer, deadlineMs: number, settle: (answer: BotAnswer) => void) {
    this.deadlineMs = deadlineMs;
    this.head = head;
    this.body = body;
    this.#settle = settle;
  }

  /** Called by the connection that is about to send it. */
  start(connection: BotConnection): void {
    this.started = true;
    this.#connection = connection;
  }

  /** `status`: what came, if it did; it counts whatever became of the rest. */
  end(status: number | undefined, otherwise: NoAnswer): void {
    this.#end(status === undefined ? { kind: 'none', why: otherwise } : { kind: 'answer', status });
  }

  /** There is no connection for it. */
  refuse(error?: unknown): void {
    this.#end({ kind: 'none', why: whyNotConnected(error) });
  }

  /** Time is up. A status that has come counts, although its body has not. */
  expire(): void {
    if (this.#connection === undefined) this.#end({ kind: 'none', why: 'timeout' });
    else this.#connection.abandon();
  }

  #end(answer: BotAnswer): void {
    if (this.settled) return;
    this.settled = true;
    this.#connection = undefined;
    this.head = '';
    this.body = NOTHING;
    const settle = this.#settle;
    this.#settle = undefined;
    settle?.(answer);
  }
}

function whyNotConnected(error: unknown): NoAnswer {
  if (error instanceof AddressRefusedError) return 'address_refused';
  return error instanceof NameError ? 'dns' : 'connect';
}

/** The pool that a connection belongs to. */
export interface Owner {
  /**
   * The connection may serve again. `idleSeconds`: how long the bot keeps it open without a
   * request, if it said so.
   */
  freed(connection: BotConnection, idleSeconds: number | undefined): void;
  /** It never will. */
  gone(connection: BotConnection): void;
}

/**
 * One HTTP/1.1 connection to a bot, one request at a time. It serves again only after an answer
 * that was read to its end and leaves no doubt about where that was; bytes that no request asked
 * for end it.
 */
export class BotConnection implements Expiring {
  /** For its owner: until when it may wait for a request. */
  deadlineMs = 0;
  slot = -1;
  readonly #owner: Owner;
  readonly #reader = new ResponseReader();
  #socket: Socket | undefined;
  #request: PendingRequest | undefined;
  #isGone = false;

  /** Dials at once. `first` is sent when that has succeeded, or gets the reason why it has not. */
  constructor(dial: () => Promise<Socket>, owner: Owner, first: PendingRequest) {
    this.#owner = owner;
    this.#request = first;
    dial().then(this.#connected, this.#notConnected);
  }

  /** Only when it was freed. The request leaves at the end of the tick. */
  send(request: PendingRequest): void {
    this.#request = request;
    outgoing.add(this);
  }

  /**
   * Ends it. A request under way has no answer then; one of which no byte has left may be tried
   * elsewhere.
   */
  destroy(): void {
    this.#break('reset');
  }

  /** It was idle for too long. */
  expire(): void {
    this.destroy();
  }

  /** Called by the request when its time is up. */
  abandon(): void {
    this.#break('timeout');
  }

  readonly #connected = (socket: Socket): void => {
    if (this.#isGone) {
      socket.on('error', ignore);
      socket.destroy();
      return;
    }
    // Its `close` event has already fired and would not reach us.
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
    this.#request?.refuse(error);
    this.#request = undefined;
    this.#leave();
  };

  /** At the end of the tick. */
  write(): void {
    const socket = this.#socket;
    const request = this.#request;
    if (this.#isGone || socket === undefined) return;
    if (request === undefined || request.settled) {
      this.#request = undefined;
      this.#owner.freed(this, undefined);
      return;
    }
    request.start(this);
    this.#reader.reset();
    const { head, body } = request;
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
    if (this.#request?.started !== true) {
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
    const request = this.#request;
    this.#request = undefined;
    // A bot that answers before it has read everything will not read the next request as one.
    if (mayServeAgain && this.#socket?.writableLength === 0) this.#owner.freed(this, idleSeconds);
    else this.#leave();
    request?.end(status, 'reset');
  }

  readonly #onEnd = (): void => {
    if (this.#request?.started === true && this.#reader.end() === 'done') this.#answered();
    else this.#break('reset');
  };

  readonly #onClose = (): void => {
    this.#break('reset');
  };

  #break(why: NoAnswer): void {
    const request = this.#request;
    this.#request = undefined;
    this.#leave();
    if (request?.started === false) request.refuse();
    else request?.end(this.#reader.status, why);
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
  // Nothing depends on how it ends.
}
