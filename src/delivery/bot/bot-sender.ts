import { bodyLengthOf, bodyOf } from '../../core/domain/event.js';
import { traceIdOf, type PageDeliveryState, type UnavailableWhy } from '../../core/ports/delivery.js';
import type { AttemptTrace } from '../../core/ports/trace.js';
import type { Clock } from '../../kit/clock.js';
import { FairShares } from '../../kit/fair-shares.js';
import type { Logger } from '../../kit/log.js';
import type { BotClient, BotRequest } from '../../net/http1/bot-client.js';
import type { BotAnswer } from '../../net/http1/bot-connection.js';
import type { DeliveryLimits } from '../limits.js';
import type { DeliveryObserver } from '../observer.js';
import { Alerts } from './alerts.js';
import { signingSecretOf, type Attempt, type Outcome } from './attempt.js';
import { Backends } from './backends.js';
import { PageStates } from './page-states.js';
import { isAnswered, replyOf, type Reply } from './reply.js';
import { requestHeaders } from './sign.js';

export interface BotSenderDeps {
  readonly client: Pick<BotClient, 'send'>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly observer: DeliveryObserver;
  readonly limits: DeliveryLimits;
}

/**
 * The least time that a request gets, also at the end of the time in which its events are tried.
 */
const LAST_ATTEMPT_MS = 1_000;

/** Sends attempts to bots, and knows how the bots and the pages are doing. */
export class BotSender {
  readonly #deps: BotSenderDeps;
  readonly #backends: Backends;
  readonly #states = new PageStates();
  readonly #alerts: Alerts;
  /**
   * Bytes of bodies under way. Each has what is around its items too, so they may be more than what
   * was received.
   */
  readonly #sending: FairShares;

  constructor(deps: BotSenderDeps) {
    this.#deps = deps;
    this.#alerts = new Alerts(deps);
    this.#sending = new FairShares(deps.limits.maxHeldBytes);
    this.#backends = new Backends(deps.clock, deps.limits, (count) => {
      deps.observer.openCircuits(count);
    });
  }

  /**
   * Sends it, or settles it unsent where it may not go now. Calls `done` when every item is
   * settled, at once or later. Never throws.
   */
  send(attempt: Attempt, done: () => void): void {
    const bytes = bodyLengthOf(attempt.entry, attempt.items);
    const obstacle = this.#obstacle(attempt, bytes);
    if (obstacle === undefined) this.#send(attempt, bytes, done);
    else this.#settle(attempt, { kind: 'unavailable', why: obstacle }, done);
  }

  /** Settles every item of an attempt that is not sent. */
  settleUnsent(attempt: Attempt, why: UnavailableWhy): void {
    this.#conclude(attempt, { kind: 'unavailable', why });
  }

  pageStates(): readonly PageDeliveryState[] {
    return this.#states.list();
  }

  /** Without one, the share and the circuit count on the request. */
  #obstacle(attempt: Attempt, bytes: number): UnavailableWhy | undefined {
    if (attempt.isBlocked()) return 'earlier_event_failed';
    const isLate = this.#deps.clock.monotonicMs() >= attempt.lastTryMs;
    if (isLate && !attempt.mustTry()) return 'out_of_time';
    const refusal = this.#sending.take(attempt.holders, bytes);
    if (refusal !== undefined) return refusal === 'full' ? 'over_limit' : 'over_share';
    if (this.#backends.enter(attempt.route.target) || attempt.mustTry()) return undefined;
    this.#sending.giveBack(attempt.holders, bytes);
    return 'circuit_open';
  }

  #send(attempt: Attempt, bytes: number, done: () => void): void {
    attempt.begun();
    const trace = attempt.trace?.attempt(attempt.route, attempt.items.length);
    const request = this.#request(attempt, trace);
    const call = { isAnswered: false };
    const answered = (answer: BotAnswer): void => {
      call.isAnswered = true;
      this.#sending.giveBack(attempt.holders, bytes);
      this.#backends.went(request.target, isAnswered(answer));
      const reply = this.#believed(attempt, replyOf(answer));
      trace?.end(reply.kind === 'accepted', reply.kind === 'unavailable' ? reply.why : reply.kind);
      this.#settle(attempt, reply, done);
    };
    try {
      this.#deps.client.send(request, answered);
    } catch (error) {
      if (call.isAnswered) throw error;
      // A client that fails is a bug of ours; it must not stop the page's lane.
      this.#deps.log.error('sending to a bot failed unexpectedly', { error, traceId: traceIdOf(attempt.traceparent) });
      answered({ kind: 'none', why: 'reset' });
    }
  }

  #request(attempt: Attempt, trace: AttemptTrace | undefined): BotRequest {
    const { clock, limits } = this.#deps;
    const { route, entry, items, lastTryMs } = attempt;
    const body = bodyOf(entry, items);
    const leftMs = Math.max(lastTryMs - clock.monotonicMs(), LAST_ATTEMPT_MS);
    const timeoutMs = Math.min(route.timeoutMs, limits.answerWithinMs, leftMs);
    const headers = requestHeaders(attempt, body, trace?.traceparent ?? attempt.traceparent);
    return { target: route.target, headers, body, timeoutMs };
  }

  /** A backend that accepts nothing is wrong itself, not the event. */
  #believed(attempt: Attempt, reply: Reply): Reply {
    const { route, traceparent, items } = attempt;
    if (reply.kind === 'accepted') this.#backends.accepted(route.target, signingSecretOf(attempt));
    if (reply.kind === 'unavailable' && reply.why === 'address_refused') this.#alerts.raise('address_refused', route, traceparent);
    const isFinal = reply.kind === 'refused' || (reply.kind === 'too_large' && items.length === 1);
    if (!isFinal || this.#backends.refused(route.target, signingSecretOf(attempt))) return reply;
    this.#alerts.raise('refuses_everything', route, traceparent);
    return { kind: 'unavailable', why: 'refusals_not_trusted' };
  }

  #settle(attempt: Attempt, reply: Reply, done: () => void): void {
    if (reply.kind !== 'too_large' || attempt.items.length === 1) {
      this.#conclude(attempt, reply);
      done();
      return;
    }
    const [first, second] = attempt.halves();
    this.send(first, () => {
      this.send(second, done);
    });
  }

  #conclude(attempt: Attempt, reply: Reply): void {
    const { observer, clock } = this.#deps;
    const { route, entry } = attempt;
    if (reply.kind === 'unavailable') observer.unavailable(route.appId, reply.why);
    const outcome = attempt.settle(reply);
    if (outcome !== 'accepted') {
      this.#noteFailure(attempt, reply, outcome);
      return;
    }
    const now = clock.nowMs();
    const sinceEventMs = entry.timeMs === undefined ? undefined : now - entry.timeMs;
    observer.latency(route.appId, clock.monotonicMs() - attempt.receivedMs, sinceEventMs);
    this.#states.accepted(route, now);
  }

  #noteFailure(attempt: Attempt, reply: Reply, outcome: Outcome): void {
    const { route, traceparent } = attempt;
    const { clock, log } = this.#deps;
    if (outcome === 'dropped') this.#alerts.raise('dropped', route, traceparent);
    const why = reply.kind !== 'unavailable' ? 'refused' : outcome === 'dropped' ? 'dropped' : reply.why;
    this.#states.failed(route, clock.nowMs(), why);
    if (!attempt.mayLog()) return;
    const { appId, pageId, owner } = route;
    const page = `${owner.namespace}/${owner.name}`;
    log.debug('bot did not accept an event', { appId, pageId, page, why, traceId: traceIdOf(traceparent) });
  }
}
