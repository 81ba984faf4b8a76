import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Delivery, RoutedEntry } from '../core/ports/delivery.js';
import type { PageLookup, WebhookApp } from '../core/ports/page-lookup.js';
import type { PostTrace, Tracer } from '../core/ports/trace.js';
import type { Clock } from '../kit/clock.js';
import type { Logger } from '../kit/log.js';
import { LogOnceAMinute } from '../kit/log-once-a-minute.js';
import { TickBatch } from '../kit/tick-batch.js';
import { OK, REFUSAL_ANSWERS, send, sendUnread, TRY_AGAIN } from './answers.js';
import { BodyReader, declaredTooLarge, wholeOf, type BodyDeps, type BodyResult } from './body/body-reader.js';
import { MinimumRate } from './body/minimum-rate.js';
import { UnverifiedBudget } from './body/unverified-budget.js';
import { UnverifiedRateLimit } from './body/unverified-rate-limit.js';
import { answerHandshake } from './handshake.js';
import type { WebhookLimits } from './limits.js';
import type { Ignored, Refusal, WebhookObserver } from './observer.js';
import { scan, type ScannedPost } from './payload/scan.js';
import { mayBeUnlisted, routeEntries, UndecidedEntries, type RoutingDeps } from './routing.js';
import { wellFormedSignature, SignatureChecks, type Candidate, type SignatureCheck } from './signature.js';
import { newTraceparent } from './trace.js';

export interface WebhookHandlerDeps {
  readonly lookup: PageLookup;
  readonly delivery: Pick<Delivery, 'deliver'>;
  readonly limits: WebhookLimits;
  readonly clock: Clock;
  readonly log: Logger;
  readonly observer: WebhookObserver;
  readonly tracer?: Tracer;
  /** Called for a connection that has carried a POST whose signature verified. */
  readonly onVerified: (socket: Socket) => void;
}

/** A request on the path of an app. */
interface AppRequest {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly path: string;
  readonly apps: readonly WebhookApp[];
}

/** A POST whose signature verified. */
interface VerifiedPost {
  readonly res: ServerResponse;
  readonly bytes: Buffer;
  readonly signature: string;
  /** The secret that verified it, and the apps that have it. */
  readonly by: Candidate;
  readonly receivedMs: number;
  readonly trace: PostTrace | undefined;
  isAnswered: boolean;
}

/** An answer that is sent with all others of this turn of the event loop. */
interface Outgoing {
  readonly res: ServerResponse;
  readonly done: boolean;
}

/**
 * Answers Meta. The order of the steps is the security: nothing of a body is read before its
 * signature has verified, and its entries go only to pages of the apps that have that secret.
 */
export class WebhookHandler {
  /** Every answer says `Connection: close`. */
  closing = false;
  /** New POSTs are refused; what is in flight is finished. */
  refusing = false;
  readonly #deps: WebhookHandlerDeps;
  readonly #body: BodyDeps;
  readonly #routing: RoutingDeps;
  readonly #signatures = new SignatureChecks();
  #lastTarget: Target | undefined;
  /**
   * POSTs whose body is arriving. They may be a stranger's, so they take no place of a verified
   * one.
   */
  #arriving = 0;
  /** Verified POSTs that are not decided. */
  #inFlight = 0;
  /**
   * Those that are decided; their answers leave in this turn of the event loop, and hold no place.
   */
  #answering = 0;
  readonly #tooLarge: LogOnceAMinute;
  readonly #ignored: LogOnceAMinute;
  readonly #outgoing = new TickBatch<Outgoing>(({ res, done }) => {
    this.#answering--;
    send(res, done ? OK : TRY_AGAIN, this.closing);
  });

  constructor(deps: WebhookHandlerDeps) {
    const { limits, clock } = deps;
    this.#deps = deps;
    this.#tooLarge = new LogOnceAMinute(deps, 'body over the limit');
    this.#ignored = new LogOnceAMinute(deps, 'signed body ignored');
    const leftOut = new LogOnceAMinute(deps, 'left out members around the events of a POST: their copies would be many times its size');
    const dropped = new LogOnceAMinute(deps, 'dropped an entry: its destination stayed undecided for too long');
    this.#body = {
      limits,
      clock,
      budget: new UnverifiedBudget(limits),
      minimumRate: new MinimumRate(clock, limits),
      rateLimit: new UnverifiedRateLimit(clock, limits),
    };
    this.#routing = {
      ...deps,
      giveUpMs: limits.giveUpMs,
      undecided: new UndecidedEntries(),
      onLeftOut: (appId, bytes) => {
        leftOut.write({ appId, bytes });
      },
      onDropped: (pageId, why) => {
        dropped.write({ pageId, why });
      },
    };
  }

  /** POSTs that are not answered yet. */
  get inFlight(): number {
    return this.#arriving + this.#inFlight + this.#answering;
  }

  get unverifiedBytes(): number {
    return this.#body.budget.heldBytes;
  }

  stop(): void {
    this.#body.minimumRate.stop();
    this.#body.rateLimit.stop();
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
    if (apps.length === 0) this.#refuse(req, res, mayBeUnlisted(lookup) ? 'not_synced' : 'no_app');
    else if (req.method === 'POST') this.#post({ req, res, path, apps });
    else if (req.method === 'GET') this.#handshake({ req, res, path, apps }, query);
    else this.#refuse(req, res, 'method');
  }

  /** Meta posts to the same URL every time. */
  #targetOf(url: string): Target {
    if (this.#lastTarget?.url !== url) this.#lastTarget = targetOf(url);
    return this.#lastTarget;
  }

  #handshake({ res, apps }: AppRequest, query: string): void {
    const answer = answerHandshake(query, apps);
    this.#deps.observer.handshake(answer.kind);
    if (answer.kind === 'verified') send(res, { status: 200, text: answer.challenge }, this.closing);
    else if (answer.kind === 'refused') send(res, { status: 403, text: 'forbidden\n' }, this.closing);
    else send(res, REFUSAL_ANSWERS.bad_request, this.closing);
  }

  #post(request: AppRequest): void {
    const { req, res, path, apps } = request;
    this.#deps.observer.received();
    const signature = wellFormedSignature(req.headers['x-hub-signature-256']);
    const why = this.#refusalBeforeBody(request, signature);
    if (why !== undefined || signature === undefined) {
      this.#refuse(req, res, why ?? 'no_signature');
      return;
    }
    this.#arriving++;
    if (req.headers.expect !== undefined) res.writeContinue();
    const check = this.#signatures.begin(path, apps, signature);
    new BodyReader(this.#body, req, check, (body) => {
      this.#received(request, check, body);
    });
  }

  #refusalBeforeBody({ req, apps }: AppRequest, signature: string | undefined): Refusal | undefined {
    if (this.refusing) return 'draining';
    if (this.#inFlight >= this.#deps.limits.maxInFlight) return 'over_in_flight';
    if (signature === undefined) return 'no_signature';
    if (apps.every(({ appSecrets }) => appSecrets.length === 0)) return 'secret_not_loaded';
    return declaredTooLarge(req, this.#deps.limits) ? 'too_large' : undefined;
  }

  /** Why no app verified the POST: one of this path may not be loaded, or not be known yet. */
  #unverified(apps: readonly WebhookApp[]): Refusal {
    if (apps.some(({ appSecrets }) => appSecrets.length === 0)) return 'secret_not_loaded';
    return mayBeUnlisted(this.#deps.lookup) ? 'not_synced' : 'bad_signature';
  }

  #received({ req, res, apps }: AppRequest, check: SignatureCheck, body: BodyResult): void {
    this.#arriving--;
    if (!body.ok) {
      this.#refuse(req, res, body.why);
      return;
    }
    const by = check.finish();
    if (by === undefined) {
      this.#refuse(req, res, this.#unverified(apps));
      return;
    }
    this.#deps.onVerified(req.socket);
    this.#body.rateLimit.giveBack(body.limitedBytes);
    const { observer, clock, limits, tracer } = this.#deps;
    if (this.#inFlight >= limits.maxInFlight) {
      this.#refuse(req, res, 'over_in_flight');
      return;
    }
    this.#inFlight++;
    const bytes = wholeOf(body.chunks);
    observer.verified(appIdOf(by), bytes.length);
    const trace = tracer?.post(appIdOf(by));
    const { signature } = check;
    this.#openSafely({ res, bytes, signature, by, receivedMs: clock.monotonicMs(), trace, isAnswered: false });
  }

  /** A bug in the page lookup must cost one POST its retry, not the process its life. */
  #openSafely(post: VerifiedPost): void {
    try {
      this.#open(post);
    } catch (error) {
      this.#deps.log.error('handling a signed POST failed unexpectedly', { error });
      this.#answer(post, false);
    }
  }

  /** The first step that reads the content. */
  #open(post: VerifiedPost): void {
    const scanned = scan(post.bytes);
    const ignored = scanned.ok ? ignoredShape(scanned.post) : scanned.why;
    if (!scanned.ok || ignored !== undefined) {
      const appId = appIdOf(post.by);
      this.#deps.observer.ignored(appId, ignored ?? 'not_json');
      this.#logIgnored({ appId, why: ignored, bytes: post.bytes.length });
      this.#answer(post, true);
      return;
    }
    this.#route(post, scanned.post);
  }

  #logIgnored(fields: { readonly appId: string; readonly why: Ignored | undefined; readonly bytes: number }): void {
    if (fields.why === 'instagram' || fields.why === 'other_object') this.#deps.log.debug('signed body is not about a page', fields);
    else this.#ignored.write(fields);
  }

  #route(post: VerifiedPost, scanned: ScannedPost): void {
    const { bytes, by, signature, trace, receivedMs } = post;
    const { entries, retry } = routeEntries(this.#routing, post, scanned);
    if (entries.length === 0) {
      this.#answer(post, !retry);
      return;
    }
    this.#countItems(entries);
    const routed = {
      appId: appIdOf(by),
      verifiedBy: by.secret,
      verified: { bytes, signature },
      entries,
      receivedMs,
      traceparent: trace?.traceparent ?? newTraceparent(),
      ...(trace === undefined ? {} : { trace }),
    };
    // Entries with a route are delivered even if Meta has to retry for the others: then they are
    // duplicates.
    this.#deps.delivery.deliver(routed, (verdict) => {
      this.#answer(post, verdict === 'done' && !retry);
    });
  }

  #countItems(entries: readonly RoutedEntry[]): void {
    for (const { entry } of entries) {
      for (const { channel } of entry.items) this.#deps.observer.items(entry.appId, channel ?? 'none', 1);
    }
  }

  /** Once: a delivery that threw may still call back with its verdict. */
  #answer(post: VerifiedPost, done: boolean): void {
    if (post.isAnswered) return;
    post.isAnswered = true;
    const { res, by, receivedMs, trace } = post;
    const { observer, clock } = this.#deps;
    const status = done ? 200 : 503;
    observer.answered(appIdOf(by), status, clock.monotonicMs() - receivedMs);
    trace?.end(status);
    this.#inFlight--;
    this.#answering++;
    this.#outgoing.add({ res, done });
  }

  #refuse(req: IncomingMessage, res: ServerResponse, why: Refusal): void {
    this.#deps.observer.refused(why);
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

/**
 * The path without one trailing slash, and the query. A proxy may send the absolute form of the
 * URL.
 */
function targetOf(url: string): Target {
  const rest = /^https?:\/\/[^/?]*/i.exec(url)?.[0].length ?? 0;
  const mark = url.indexOf('?', rest);
  const path = mark < 0 ? url.slice(rest) : url.slice(rest, mark);
  return { url, path: path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path, query: mark < 0 ? '' : url.slice(mark + 1) };
}

function ignoreError(): void {
  // The client is gone: 'close' ends the request, and what it sent is delivered all the same.
}
