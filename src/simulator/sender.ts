import { createHmac } from 'node:crypto';
import http from 'node:http';
import { sleep } from '../kit/clock.js';
import { requestCallback } from './callback-request.js';
import { deliverable, pageIdsOf } from './deliverable.js';
import { webhookJson } from './meta-json.js';
import type { AttemptRecord, DeliveryRecord, SimApp } from './model.js';
import type { SendRequest, WebhookEntry } from './send-request.js';
import type { World } from './world.js';

export interface SendResult {
  /** undefined: nothing was sent, because none of it was subscribed. */
  readonly delivery: DeliveryRecord | undefined;
  /** What was left out: field and page. */
  readonly left: readonly { readonly pageId: string; readonly field: string }[];
}

/**
 * A delivery under way. `first` is the state after the first attempt, `done` when it was delivered
 * or given up.
 */
export interface Sending extends SendResult {
  readonly first: Promise<void>;
  readonly done: Promise<void>;
}

const MAX_SENDING = 5_000;
/** As milliseconds this is March 1973, as seconds the year 5138. */
const SECONDS_BELOW = 100_000_000_000;

/**
 * Meta's webhook sender: signed POSTs in Meta's escaped form, 5 s for an answer, retries, and
 * removal after an hour of failing.
 */
export class WebhookSender {
  readonly #world: World;
  readonly #stop = new AbortController();
  readonly #agent = new http.Agent({ keepAlive: true, maxSockets: 64 });
  readonly #sending = new Set<Promise<void>>();

  constructor(world: World) {
    this.#world = world;
  }

  /**
   * Begins to send. @throws RangeError where there is no such app, no callback, or too much is
   * being sent already.
   */
  send(request: SendRequest): Sending {
    const app = this.#world.apps.get(request.appId);
    if (app === undefined) throw new RangeError(`there is no app ${request.appId}`);
    if (this.#sending.size >= MAX_SENDING) throw new RangeError(`already sending ${MAX_SENDING} POSTs`);
    const { entries, left } = deliverable(this.#world, request);
    if (request.entries !== undefined && entries.length === 0) {
      return { delivery: undefined, left, first: Promise.resolve(), done: Promise.resolve() };
    }
    const body = bytesOf(request, entries);
    const url = this.#urlFor(request);
    const delivery = this.#world.deliveries.add((seq) => ({
      ...{ seq, at: this.#world.clock.nowMs(), appId: app.id, pageIds: pageIdsOf(request, entries), url: url.href },
      ...{ body: body.toString('utf8'), attempts: [], state: 'pending' as const },
    }));
    const delays = request.retry === false ? [] : this.#world.config.retryDelaysMs;
    return {
      delivery,
      left,
      ...this.#run(delivery, delays, (number) =>
        this.#attempt({ app, request, body: this.#bodyOf(body, number, { request, entries }), url }),
      ),
    };
  }

  /** Ends all retries and connections. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.allSettled(this.#sending);
    this.#agent.destroy();
  }

  /** The body of an attempt, counted from 0. */
  #bodyOf(
    first: Buffer,
    number: number,
    { request, entries }: { readonly request: SendRequest; readonly entries: readonly WebhookEntry[] },
  ): Buffer {
    if (number === 0 || !this.#world.config.repeatsMoveTime) return first;
    return bytesOf(
      request,
      entries.map((entry) => withTime(entry, this.#world.clock.nowMs())),
    );
  }

  #urlFor(request: SendRequest): URL {
    const own = this.#world.appSubscriptions.get(request.appId)?.get(request.object ?? 'page');
    const url = request.url ?? (own?.active === true || request.force === true ? own?.callbackUrl : undefined);
    if (url === undefined) throw new RangeError(`app ${request.appId} has no active subscription for ${request.object ?? 'page'}`);
    return new URL(url);
  }

  #run(
    delivery: DeliveryRecord,
    delays: readonly number[],
    attempt: (number: number) => Promise<AttemptRecord>,
  ): Pick<Sending, 'first' | 'done'> {
    let told = (): void => undefined;
    const first = new Promise<void>((resolve) => {
      told = resolve;
    });
    const done = this.#untilDelivered(delivery, attempt, { told, delays }).catch(() => undefined);
    this.#sending.add(done);
    void done.finally(() => {
      this.#sending.delete(done);
      told();
    });
    return { first, done };
  }

  async #untilDelivered(
    delivery: DeliveryRecord,
    attempt: (number: number) => Promise<AttemptRecord>,
    { told, delays }: { readonly told: () => void; readonly delays: readonly number[] },
  ): Promise<void> {
    const { clock, config } = this.#world;
    const began = clock.nowMs();
    for (let number = 0; ; number++) {
      const record = await attempt(number);
      delivery.attempts.push(record);
      if (record.status === 200) delivery.state = 'delivered';
      told();
      if (delivery.state === 'delivered') return;
      if (config.removeAfterMs > 0 && clock.nowMs() - began >= config.removeAfterMs) {
        this.#removeFrom(delivery);
        return;
      }
      const delay = delays[Math.min(number, delays.length - 1)];
      if (delay === undefined) {
        delivery.state = 'failed';
        return;
      }
      await sleep(clock, delay, this.#stop.signal);
    }
  }

  /** "Webhooks Disabled": after an hour of failing Meta takes the app off the page. */
  #removeFrom(delivery: DeliveryRecord): void {
    for (const pageId of delivery.pageIds) this.#world.setFields(delivery.appId, pageId, undefined);
    delivery.state = 'removed';
  }

  async #attempt(job: {
    readonly app: SimApp;
    readonly request: SendRequest;
    readonly body: Buffer;
    readonly url: URL;
  }): Promise<AttemptRecord> {
    const { clock, config } = this.#world;
    const at = clock.nowMs();
    const began = clock.monotonicMs();
    const headers = headersFor(job, config.signatures);
    const answer = await requestCallback({
      url: job.url,
      method: 'POST',
      headers,
      body: job.body,
      timeoutMs: config.deliveryTimeoutMs,
      clock,
      agent: this.#agent,
    });
    const ms = Math.round(clock.monotonicMs() - began);
    if (answer.kind === 'answer') return { at, status: answer.status, error: undefined, ms };
    return { at, status: undefined, error: answer.kind === 'timeout' ? 'timeout' : answer.error, ms };
  }
}

/** The entry at another time, in seconds where it has seconds. */
function withTime(entry: WebhookEntry, nowMs: number): WebhookEntry {
  if (entry.time === undefined) return entry;
  return { ...entry, time: entry.time < SECONDS_BELOW ? Math.floor(nowMs / 1_000) : nowMs };
}

function bytesOf(request: SendRequest, entries: readonly WebhookEntry[]): Buffer {
  if (request.rawBody !== undefined) return Buffer.from(request.rawBody);
  return Buffer.from(webhookJson(request.body ?? { object: request.object ?? 'page', entry: entries }));
}

function headersFor(
  { app, request, body }: { readonly app: SimApp; readonly request: SendRequest; readonly body: Buffer },
  signatures: 'both' | 'sha256',
): Record<string, string | number> {
  const headers: Record<string, string | number> = {
    'content-type': 'application/json',
    accept: '*/*',
    'user-agent': 'facebookexternalua',
    'content-length': body.length,
  };
  const sign = request.sign ?? 'right';
  if (sign !== 'none') {
    const secret = sign === 'wrong' ? `${app.secret}-wrong` : app.secret;
    const signed = sign === 'reserialized' ? Buffer.from(JSON.stringify(JSON.parse(body.toString('utf8')))) : body;
    headers['x-hub-signature-256'] = `sha256=${createHmac('sha256', secret).update(signed).digest('hex')}`;
    if (signatures === 'both') headers['x-hub-signature'] = `sha1=${createHmac('sha1', secret).update(signed).digest('hex')}`;
  }
  for (const [name, value] of Object.entries(request.headers ?? {})) {
    if (value === null) Reflect.deleteProperty(headers, name.toLowerCase());
    else headers[name.toLowerCase()] = value;
  }
  return headers;
}
