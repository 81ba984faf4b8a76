import { linkedToAll } from '../kit/abort.js';
import type { Clock } from '../kit/clock.js';
import { asRecord } from '../kit/narrow.js';
import { TransientError } from '../core/domain/errors.js';
import { Secret } from '../core/secrets/secret.js';
import { malformedAnswer } from './answers.js';
import { relativePath, wireRequest, type GraphCall } from './call.js';
import type { Lane } from './call-queue.js';
import { bearerOf, plain, proofOf } from './credentials.js';
import { asArray, asNumber, asText } from './json.js';
import { OPERATIONS, shapeOf } from './operations.js';
import { parseGraphJson, type WireRequest, type WireResponse } from './transport.js';

/** Graph's limit (Meta, "Batch Requests"). */
export const MAX_BATCH = 50;
const MAX_WAIT_MS = 50;
/**
 * An interactive call waits for company only while another request of its kind is under way, and at
 * most this long.
 */
const INTERACTIVE_WAIT_MS = 100;

/**
 * The answer for one call of a batch. `whole`: it is the answer for the whole batch, which was no
 * list of answers.
 */
export interface BatchAnswer {
  readonly response: WireResponse;
  readonly whole: boolean;
}

interface Item {
  readonly call: GraphCall;
  /** @throws where the call has to wait after all, judged right before it goes out. */
  readonly admit: () => void;
  readonly resolve: (answer: BatchAnswer) => void;
  readonly reject: (error: unknown) => void;
}

interface Collecting {
  readonly items: Set<Item>;
  readonly cancel: () => void;
}

export interface BatcherDeps {
  readonly clock: Clock;
  readonly send: (request: WireRequest, signal: AbortSignal, lane: Lane) => Promise<WireResponse>;
  readonly sent?: (items: number) => void;
  /** Longest time that a background call waits for company. Default 50 ms. */
  readonly waitMs?: number;
}

/**
 * Collects calls of the same app, secret, version and priority and sends up to 50 of them as one
 * batch, each with its own token and proof. A call that finds no company goes out as a request of
 * its own. Background calls wait 50 ms for company; of the interactive ones a single one never
 * waits, those of thousands of new pages fill batches behind the first.
 */
export class Batcher {
  readonly #deps: BatcherDeps;
  readonly #collecting = new Map<string, Collecting>();
  /** Requests that have no answer yet, by key; no key without any. */
  readonly #underWay = new Map<string, number>();

  constructor(deps: BatcherDeps) {
    this.#deps = deps;
  }

  add(call: GraphCall, admit: () => void): Promise<BatchAnswer> {
    const { signal, priority: lane = 'interactive' } = call.options;
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        this.#collecting.get(key)?.items.delete(item);
        item.reject(signal.reason);
      };
      const settled = <T>(settle: (value: T) => void) => {
        return (value: T): void => {
          signal.removeEventListener('abort', onAbort);
          settle(value);
        };
      };
      const item: Item = { call, admit, resolve: settled(resolve), reject: settled(reject) };
      const key = `${lane} ${proofOf({ app: call.auth.app })} ${call.auth.app.graphVersion}`;
      if (signal.aborted) {
        item.reject(signal.reason);
        return;
      }
      signal.addEventListener('abort', onAbort, { once: true });
      this.#collect(key, lane, item);
    });
  }

  #collect(key: string, lane: Lane, item: Item): void {
    const now = this.#collecting.get(key) ?? this.#begin(key, lane);
    now.items.add(item);
    if (now.items.size >= MAX_BATCH) this.#flush(key, lane);
  }

  #begin(key: string, lane: Lane): Collecting {
    const flush = (): void => {
      this.#flush(key, lane);
    };
    const alone = lane === 'interactive' && !this.#underWay.has(key);
    const waitMs = lane === 'interactive' ? INTERACTIVE_WAIT_MS : (this.#deps.waitMs ?? MAX_WAIT_MS);
    const collecting = { items: new Set<Item>(), cancel: alone ? soon(flush) : this.#deps.clock.setTimer(waitMs, flush) };
    this.#collecting.set(key, collecting);
    return collecting;
  }

  #flush(key: string, lane: Lane): void {
    const collected = this.#collecting.get(key);
    if (collected === undefined) return;
    collected.cancel();
    this.#collecting.delete(key);
    if (collected.items.size === 0) return;
    this.#underWay.set(key, (this.#underWay.get(key) ?? 0) + 1);
    void this.#send([...collected.items], lane).finally(() => {
      this.#answered(key, lane);
    });
  }

  /**
   * Nothing is under way any more: the calls that wait for a batch go now, with those that this
   * answer causes at once.
   */
  #answered(key: string, lane: Lane): void {
    const left = (this.#underWay.get(key) ?? 1) - 1;
    if (left > 0) this.#underWay.set(key, left);
    else this.#underWay.delete(key);
    if (left > 0 || lane !== 'interactive' || !this.#collecting.has(key)) return;
    soon(() => {
      this.#flush(key, lane);
    });
  }

  async #send(items: readonly Item[], lane: Lane): Promise<void> {
    // A batch goes on as long as one of its calls is still wanted.
    const giveUp = linkedToAll(items.map(({ call }) => call.options.signal));
    let admitted: readonly Item[] = [];
    try {
      const first = items[0];
      if (first === undefined) return;
      admitted = items.filter((item) => letThrough(item));
      if (admitted.length === 0) return;
      this.#deps.sent?.(admitted.length);
      const request = admitted.length === 1 ? wireRequest((admitted[0] ?? first).call) : batchRequest(admitted, giveUp.signal);
      const response = await this.#deps.send(request, giveUp.signal, lane);
      if (admitted.length === 1) admitted[0]?.resolve({ response, whole: false });
      else distribute(admitted, response);
    } catch (error) {
      for (const item of admitted) item.reject(error);
    } finally {
      giveUp.clear();
    }
  }
}

/**
 * Once all that is ready now has run: calls made in the same turn travel together. @returns how to
 * call it off
 */
function soon(fn: () => void): () => void {
  const handle = setImmediate(fn);
  return () => {
    clearImmediate(handle);
  };
}

function letThrough(item: Item): boolean {
  try {
    item.call.options.signal.throwIfAborted();
    item.admit();
    return true;
  } catch (error) {
    item.reject(error);
    return false;
  }
}

function batchRequest(items: readonly Item[], signal: AbortSignal): WireRequest {
  const { app } = (items[0] as Item).call.auth;
  const batch = new Secret('bearer', JSON.stringify(items.map(({ call }) => batchItem(call))));
  return {
    method: 'POST',
    path: `/${encodeURIComponent(app.graphVersion)}/`,
    params: { batch, include_headers: 'true' },
    auth: { app },
    signal,
    shape: shapeOf('batch'),
    writes: items.some(({ call }) => OPERATIONS[call.operation].write),
  };
}

/**
 * Graph takes an item's parameters from its relative URL, for POST from its body. Both are inside
 * our POST's body.
 */
function batchItem(call: GraphCall): Readonly<Record<string, string>> {
  const form = new URLSearchParams();
  for (const [name, value] of Object.entries(call.params)) form.set(name, plain(value));
  form.set('access_token', bearerOf(call.auth));
  form.set('appsecret_proof', proofOf(call.auth));
  const path = relativePath(call);
  const { method } = OPERATIONS[call.operation];
  return method === 'POST' ? { method, relative_url: path, body: form.toString() } : { method, relative_url: `${path}?${form.toString()}` };
}

function distribute(items: readonly Item[], response: WireResponse): void {
  if (!Array.isArray(response.body)) {
    for (const item of items) item.resolve({ response, whole: true });
    return;
  }
  const answers: readonly unknown[] = response.body;
  if (answers.length > items.length) {
    // Which answer belongs to which call is not known.
    for (const item of items) item.reject(malformedAnswer('batch', 'a list with one answer for each call'));
    return;
  }
  items.forEach((item, index) => {
    const answer = asRecord(answers[index]);
    if (answer !== undefined) item.resolve({ response: itemResponse(answer, response.headers), whole: false });
    // null: Graph ran out of time before this one; nothing is known about it.
    else item.reject(new TransientError('GraphUnavailable', `${shapeOf(item.call.operation)}: Graph did not come to this call of a batch`));
  });
}

function itemResponse(answer: Readonly<Record<string, unknown>>, outer: Readonly<Record<string, string>>): WireResponse {
  const headers: Record<string, string> = {};
  for (const name of ['facebook-api-version', 'x-app-usage']) if (outer[name] !== undefined) headers[name] = outer[name];
  for (const header of asArray(answer['headers'])) {
    const { name, value } = asRecord(header) ?? {};
    if (typeof name === 'string' && typeof value === 'string') headers[name.toLowerCase()] = value;
  }
  const body = asText(answer['body']);
  return { status: asNumber(answer['code']) ?? 500, headers, body: body === undefined ? undefined : parseGraphJson(body) };
}
