import type { Client, Dispatcher } from 'undici';

import { NameError } from './resolver.js';
import { AddressRefusedError } from './connector.js';

/** Why nothing that counts came back. */
export type NoAnswer = 'timeout' | 'connect' | 'reset' | 'name' | 'address_refused' | 'bad_target';

export type BotAnswer = { readonly kind: 'answer'; readonly status: number } | { readonly kind: 'none'; readonly why: NoAnswer };

/** So much of an answer is read, then the connection is closed. It is never kept: a bot may echo what it was sent. */
export const MAX_ANSWER_BYTES = 64 * 1_024;

const ABORTED = new Error('aborted');

/** Gets a connection back when its exchange has ended. `usable`: the answer was read to its end. */
interface Lender {
  giveBack(client: Client, usable: boolean): void;
}

/** One request on a connection: what came back, and whether a byte of it had left. Settles once. */
export class Exchange implements Dispatcher.DispatchHandler {
  /** A connection took the request. Until then no byte was sent and another connection may be tried. */
  started = false;
  /** Nobody waits for it any more. */
  settled = false;
  readonly #request: Dispatcher.DispatchOptions;
  readonly #settle: (answer: BotAnswer) => void;
  #client: Client | undefined;
  #lender: Lender | undefined;
  #controller: Dispatcher.DispatchController | undefined;
  #status: number | undefined;
  #readBytes = 0;

  constructor(request: Dispatcher.DispatchOptions, settle: (answer: BotAnswer) => void) {
    this.#request = request;
    this.#settle = settle;
  }

  /** On this connection, which the lender gets back when it is over. */
  begin(client: Client, lender: Lender): void {
    this.#client = client;
    this.#lender = lender;
    client.dispatch(this.#request, this);
  }

  /** There will be no connection. */
  refuse(): void {
    this.#end({ kind: 'none', why: 'connect' });
  }

  /** Time is up. A status that has come counts, although its body has not. */
  expire(): void {
    this.#end({ kind: 'none', why: 'timeout' });
    this.#controller?.abort(ABORTED);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.settled) controller.abort(ABORTED);
    else this.started = true;
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number): void {
    if (status >= 200) this.#status = status;
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#readBytes += chunk.length;
    if (this.#readBytes <= MAX_ANSWER_BYTES) return;
    this.#end({ kind: 'none', why: 'reset' });
    controller.abort(ABORTED);
  }

  onResponseEnd(): void {
    this.#end({ kind: 'none', why: 'reset' });
    this.#giveBack(true);
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#end({ kind: 'none', why: this.started ? 'reset' : whyNotConnected(error) });
    this.#giveBack(false);
  }

  #giveBack(usable: boolean): void {
    const client = this.#client;
    this.#client = undefined;
    if (client !== undefined) this.#lender?.giveBack(client, usable);
  }

  #end(otherwise: BotAnswer): void {
    if (this.settled) return;
    this.settled = true;
    this.#settle(this.#status === undefined ? otherwise : { kind: 'answer', status: this.#status });
  }
}

function whyNotConnected(error: Error): NoAnswer {
  if (error instanceof AddressRefusedError) return 'address_refused';
  return error instanceof NameError ? 'name' : 'connect';
}
