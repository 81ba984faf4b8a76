import type { Expiring } from '../../kit/deadlines.js';
import { AddressRefusedError } from '../dial/connector.js';
import { NameError } from '../dial/resolver.js';

/** Why nothing that counts came back. */
export type NoAnswer = 'timeout' | 'connect' | 'reset' | 'dns' | 'address_refused' | 'bad_target';

export type BotAnswer = { readonly kind: 'answer'; readonly status: number } | { readonly kind: 'none'; readonly why: NoAnswer };

/** What has the request under way. */
interface Carrier {
  /** Nobody waits for the answer any more. */
  abandon(): void;
}

const NOTHING = Buffer.alloc(0);

/** One request: what came back, and whether a byte of it had left. Settles once, and then keeps nothing of it: it may wait in a queue. */
export class Exchange implements Expiring {
  /** Request line and headers, with the blank line. */
  head: string;
  body: Buffer;
  /** A connection took the request. Until then no byte was sent and another connection may be tried. */
  started = false;
  /** Nobody waits for it any more. */
  settled = false;
  readonly deadlineMs: number;
  slot = -1;
  #carrier: Carrier | undefined;
  #settle: ((answer: BotAnswer) => void) | undefined;

  constructor(head: string, body: Buffer, deadlineMs: number, settle: (answer: BotAnswer) => void) {
    this.deadlineMs = deadlineMs;
    this.head = head;
    this.body = body;
    this.#settle = settle;
  }

  /** By the connection that is about to send it. */
  start(carrier: Carrier): void {
    this.started = true;
    this.#carrier = carrier;
  }

  /** `status`: what came, if it did; it counts whatever became of the rest. */
  end(status: number | undefined, otherwise: NoAnswer): void {
    this.#end(status === undefined ? { kind: 'none', why: otherwise } : { kind: 'answer', status });
  }

  /** There is no connection. */
  refuse(error?: unknown): void {
    this.#end({ kind: 'none', why: whyNotConnected(error) });
  }

  /** Time is up. A status that has come counts, although its body has not. */
  expire(): void {
    if (this.#carrier === undefined) this.#end({ kind: 'none', why: 'timeout' });
    else this.#carrier.abandon();
  }

  #end(answer: BotAnswer): void {
    if (this.settled) return;
    this.settled = true;
    this.#carrier = undefined;
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
