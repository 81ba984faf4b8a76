import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../kit/clock.js';
import type { Delivery, RoutedEntry } from '../core/ports/delivery.js';
import type { Logger } from '../kit/log.js';
import type { PageLookup, WebhookApp } from '../core/ports/page-lookup.js';
import type { PostTrace, Tracer } from '../core/ports/trace.js';
import { TurnEnd } from '../kit/tick-batch.js';
import { MinuteLine } from '../kit/log-once-a-minute.js';
import { OK, REFUSAL_ANSWERS, send, sendUnread, TRY_AGAIN } from './answers.js';
import { BodyReader, declaredTooLarge, wholeOf, type BodyDeps, type BodyResult, type BodySink } from './body/body-reader.js';
import { UnverifiedBudget } from './body/unverified-budget.js';
import { answerHandshake } from './handshake.js';
import type { WebhookLimits } from './limits.js';
import type { EntryResult, Ignored, Refusal, WebhookObserver } from './observe.js';
import { Pace } from './body/minimum-rate.js';
import { PostRouter } from './routing.js';
import { scan, type ScannedPost } from './payload/scan.js';
import { wellFormedSignature, SignatureChecks, type Candidate, type SignatureCheck } from './signature.js';
import { Splitter } from './payload/split.js';
import { Throttle } from './body/unverified-rate-limit.js';
import { newTraceparent } from './trace.js';

export interface WebhookHandlerDeps {
  readonly lookup: PageLookup;
  readonly delivery: Pick<Delivery, 'deliver'>;
  readonly limits: WebhookLimits;
  readonly clock: Clock;
  readonly log: Logger;
  readonly observe: WebhookObserver;
  readonly tracer?: Tracer;
}

/** One request and what has been found out about it. */
interface Exchange {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly path: string;
  readonly apps: readonly WebhookApp[];
}

/** A POST whose signature has the right shape; its body is arriving. */
class Arrival implements BodySink {
  readonly exchange: Exchange;
  /** In lower case. */
  readonly signature: string;
  readonly check: SignatureCheck;
  readonly #received: (arrival: Arrival, body: BodyResult) => void;

  constructor(exchange: Exchange, signature: string, check: SignatureCheck, received: (arrival: Arrival, body: BodyResult) => void) {
    this.exchange = exchange;
    this.signature = signature;
    this.check = check;
    this.#received = received;
  }

  chunk(chunk: Buffer): void {
    this.check.update(chunk);
  }

  done(body: BodyResult): void {
    this.#received(this, body);
  }
}

/** An answer that leaves at the end of the turn. */
interface Outgoing {
  readonly res: ServerResponse;
  readonly done: boolean;
}

/** A POST whose signature verified. */
interface Verified {
  readonly exchange: Exchange;
  readonly signature: string;
  readonly bytes: Buffer;
  readonly by: Candidate;
  readonly receivedMs: number;
  readonly trace: PostTrace | undefined;
  isAnswered: boolean;
}

/**
 * Answers Meta. The order of the steps is the security: nothing of a body is looked at before its signature verified,
 * and no entry leaves the app whose secret did that.
 */
export class WebhookHandler {
  /** Every answer tells the sender to end the connection. */
  closing = false;
  /** POSTs are refused: what is under way is finished, nothing new begins. */
  refusing = false;
  readonly #deps: WebhookHandlerDeps;
  readonly #body: BodyDeps;
  readonly #pace: Pace;
  readonly #budget: UnverifiedBudget;
  readonly #router: PostRouter;
  readonly #throttle: Throttle;
  readonly #signatures = new SignatureChecks();
  #lastTarget: Target | undefined;
  /** POSTs whose body is arriving: strangers' for all we know, so they take no place of a verified one. */
  #arriving = 0;
  /** Verified POSTs. */
  #inFlight = 0;
  readonly #tooLarge: MinuteLine;
  readonly #ignored: MinuteLine;
  readonly #dropped: MinuteLine;

  constructor(deps: WebhookHandlerDeps) {
    this.#deps = deps;
    this.#pace = new Pace(deps.clock, deps.limits);
    this.#budget = new UnverifiedBudget(deps.limits);
    this.#throttle = new Throttle(deps.clock, deps.limits);
    this.#tooLarge = new MinuteLine(deps, 'body over the limit');
    this.#ignored = new MinuteLine(deps, 'signed body ignored');
    this.#dropped = new MinuteLine(deps, 'dropped an entry: its destination stayed undecided for too long');
    const { limits, clock } = deps;
    this.#body = { limits, clock, budget: this.#budget, pace: this.#pace, throttle: this.#throttle };
    this.#router = new PostRouter({ ...deps, giveUpMs: limits.giveUpMs, dropped: this.#noteDropped });
  }

  readonly #outgoing = new TurnEnd<Outgoing>(({ res, done }) => {
    this.#inFlight--;
    send(res, done ? OK : TRY_AGAIN, this.closing);
  });

  /** POSTs that are not answered yet. */
  get inFlight(): number {
    return this.#arriving + this.#inFlight;
  }

  get unverifiedBytes(): number {
    return this.#budget.heldBytes;
  }

  stop(): void {
    this.#pace.stop();
    this.#throttle.stop();
  }

  handle(req: IncomingMessage, res: ServerResponse): void {
    const { lookup } = this.#deps;
    const { path, query } = this.#targetOf(req.url ?? '/');
    res.on('error', ignoreError);
    if (path === '/healthz' && req.method === 'GET') {
      send(res, OK, this.closing);
      return;
    }
    if (!lookup.synced()) {
      this.#refuse(req, res, 'not_synced');
      return;
    }
    const apps = lookup.appsOnPath(path);
    if (apps.length === 0) this.#refuse(req, res, 'no_app');
    else if (req.method === 'POST') this.#post({ req, res, path, apps });
    else if (req.method === 'GET') this.#handshake({ req, res, path, apps }, query);
    else this.#refuse(req, res, 'method');
  }

  /** Meta posts to the same address again and again. */
  #targetOf(url: string): Target {
    if (this.#lastTarget?.url !== url) this.#lastTarget = targetOf(url);
    return this.#lastTarget;
  }

  #handshake({ res, apps }: Exchange, query: string): void {
    const answer = answerHandshake(query, apps);
    this.#deps.observe.handshake(answer.kind);
    if (answer.kind === 'verified') send(res, { status: 200, text: answer.challenge }, this.closing);
    else if (answer.kind === 'refused') send(res, { status: 403, text: 'forbidden\n' }, this.closing);
    else send(res, REFUSAL_ANSWERS.bad_request, this.closing);
  }

  #post(exchange: Exchange): void {
    const { req, res } = exchange;
    this.#deps.observe.received();
    const given = wellFormedSignature(req.headers['x-hub-signature-256']);
    const why = this.#refusalBeforeBody(req, given);
    if (why !== undefined || given === undefined) {
      this.#refuse(req, res, why ?? 'no_signature');
      return;
    }
    this.#arriving++;
    if (req.headers.expect !== undefined) res.writeContinue();
    const check = this.#signatures.begin(exchange.path, exchange.apps, given);
    new BodyReader(this.#body, req, new Arrival(exchange, given, check, this.#received));
  }

  #refusalBeforeBody(req: IncomingMessage, given: string | undefined): Refusal | undefined {
    if (this.refusing) return 'draining';
    if (this.#inFlight >= this.#deps.limits.maxInFlight) return 'over_in_flight';
    if (given === undefined) return 'no_signature';
    return declaredTooLarge(req, this.#deps.limits) ? 'too_large' : undefined;
  }

  readonly #received = ({ exchange, signature, check }: Arrival, body: BodyResult): void => {
    const { req, res, apps } = exchange;
    this.#arriving--;
    if (!body.ok) {
      this.#refuse(req, res, body.why);
      return;
    }
    const by = check.finish();
    if (by === undefined) {
      this.#refuse(req, res, apps.some(({ appSecrets }) => appSecrets.length === 0) ? 'secret_not_loaded' : 'bad_signature');
      return;
    }
    this.#throttle.giveBack(body.pacedBytes);
    const { observe, clock, limits, tracer } = this.#deps;
    if (this.#inFlight >= limits.maxInFlight) {
      this.#refuse(req, res, 'over_in_flight');
      return;
    }
    this.#inFlight++;
    const bytes = wholeOf(body.chunks);
    observe.verified(appIdOf(by), bytes.length);
    const trace = tracer?.post(appIdOf(by));
    this.#openSafely({ exchange, signature, bytes, by, receivedMs: clock.monotonicMs(), trace, isAnswered: false });
  };

  /** A bug in what looks pages up must cost its POST a repeat, not the process its life. */
  #openSafely(verified: Verified): void {
    try {
      this.#open(verified);
    } catch (error) {
      this.#deps.log.error('handling a signed POST failed unexpectedly', { error });
      this.#answer(verified, false);
    }
  }

  /** The first place where a byte of the content is read. */
  #open(verified: Verified): void {
    const scanned = scan(verified.bytes);
    const ignored = scanned.ok ? ignoredShape(scanned.post) : scanned.why;
    if (!scanned.ok || ignored !== undefined) {
      const appId = appIdOf(verified.by);
      this.#deps.observe.ignored(appId, ignored ?? 'not_json');
      this.#noteIgnored({ appId, why: ignored, bytes: verified.bytes.length });
      this.#answer(verified, true);
      return;
    }
    this.#route(verified, scanned.post);
  }

  #noteIgnored(fields: { readonly appId: string; readonly why: Ignored | undefined; readonly bytes: number }): void {
    if (fields.why === 'instagram' || fields.why === 'other_object') this.#deps.log.debug('signed body is not about a page', fields);
    else this.#ignored.write(fields);
  }

  readonly #noteDropped = (pageId: string | undefined, why: EntryResult): void => {
    this.#dropped.write({ pageId, why });
  };

  #route(verified: Verified, scanned: ScannedPost): void {
    const { bytes, by, signature, trace } = verified;
    const { entries, again } = this.#router.route({ apps: by.apps, splitter: new Splitter(bytes, scanned), signature });
    if (entries.length === 0) {
      this.#answer(verified, !again);
      return;
    }
    this.#countItems(entries);
    const routed = {
      appId: appIdOf(by),
      verifiedBy: by.secret,
      verified: { bytes, signature },
      entries,
      receivedMs: verified.receivedMs,
      traceparent: trace?.traceparent ?? newTraceparent(),
      ...(trace === undefined ? {} : { trace }),
    };
    // What can be delivered is delivered even if Meta has to come again for the rest: its retry finds it done.
    this.#deps.delivery.deliver(routed, (verdict) => {
      this.#answer(verified, verdict === 'done' && !again);
    });
  }

  #countItems(entries: readonly RoutedEntry[]): void {
    for (const { entry } of entries) {
      for (const { channel } of entry.items) this.#deps.observe.items(entry.appId, channel ?? 'none', 1);
    }
  }

  /** Once: a delivery that failed may tell its verdict nevertheless. */
  #answer(verified: Verified, done: boolean): void {
    if (verified.isAnswered) return;
    verified.isAnswered = true;
    const { exchange, by, receivedMs, trace } = verified;
    const { observe, clock } = this.#deps;
    const status = done ? 200 : 503;
    observe.answered(appIdOf(by), status, clock.monotonicMs() - receivedMs);
    trace?.end(status);
    this.#outgoing.add({ res: exchange.res, done });
  }

  #refuse(req: IncomingMessage, res: ServerResponse, why: Refusal): void {
    this.#deps.observe.refused(why);
    if (why === 'too_large') {
      this.#tooLarge.write({ declared: req.headers['content-length'] ?? 'chunked', limit: this.#deps.limits.maxBodyBytes });
    }
    if (why === 'cut_off') return;
    const { limits, clock } = this.#deps;
    sendUnread(req, res, REFUSAL_ANSWERS[why], { limits, clock, closing: this.closing });
  }
}

function appIdOf(by: Candidate): string {
  return by.apps[0]?.appId ?? '';
}

function ignoredShape({ object, entries }: ScannedPost): Ignored | undefined {
  if (object === undefined) return 'no_object';
  if (object === 'instagram') return 'instagram';
  if (object !== 'page') return 'other_object';
  return entries === undefined ? 'no_entry' : undefined;
}

interface Target {
  readonly url: string;
  readonly path: string;
  readonly query: string;
}

/** Path without one trailing slash, and query. Meta sends the origin form; a proxy may send the absolute one. */
function targetOf(url: string): Target {
  const rest = /^https?:\/\/[^/?]*/i.exec(url)?.[0].length ?? 0;
  const mark = url.indexOf('?', rest);
  const path = mark < 0 ? url.slice(rest) : url.slice(rest, mark);
  return { url, path: path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path, query: mark < 0 ? '' : url.slice(mark + 1) };
}

/** The sender went away: what was to be delivered is, and nobody is there to be answered. */
function ignoreError(): void {
  // Nothing to do: the 'close' event ends the exchange.
}
