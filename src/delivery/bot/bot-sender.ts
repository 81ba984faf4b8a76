import type { Clock } from '../../kit/clock.js';
import { bodyOf } from '../../core/domain/event.js';
import { traceIdOf } from '../../core/ports/delivery.js';
import type { Logger } from '../../kit/log.js';
import type { PageRoute } from '../../core/ports/page-lookup.js';
import type { AttemptTrace } from '../../core/ports/trace.js';
import type { Dedupe, Outcome, Remembered } from '../direct/dedupe.js';
import type { DeliveryLimits } from '../limits.js';
import type { DeliveryObserver, UnavailableWhy } from '../observer.js';
import type { Part, PostRun } from '../direct/post-progress.js';
import type { Alerts } from './alerts.js';
import type { BackendClient, BotAnswer, BotRequest } from './backend-client.js';
import type { Backends } from './backends.js';
import type { Done } from './lanes.js';
import type { PageStates } from './page-states.js';
import { isAnswered, replyOf, type Reply } from './reply.js';
import { requestHeaders } from './sign.js';

export interface CourierDeps {
  readonly client: BackendClient;
  readonly backends: Backends;
  readonly dedupe: Dedupe;
  readonly states: PageStates;
  readonly alerts: Alerts;
  readonly clock: Clock;
  readonly log: Logger;
  readonly observe: DeliveryObserver;
  readonly limits: DeliveryLimits;
}

/** What an attempt gets at least, at the end of the time in which delivery goes on. */
const LAST_ATTEMPT_MS = 1_000;

/** Brings one part to its bot, and settles each of its items. */
export class Courier {
  readonly #deps: CourierDeps;
  /** Bodies that are under way: what is around an item is in each of them, so they may be more than what was received. */
  #sendingBytes = 0;

  constructor(deps: CourierDeps) {
    this.#deps = deps;
  }

  /** Tells `then` when every item is settled, at once or later. Never throws. */
  carry(part: Part, then: Done): void {
    const obstacle = this.#obstacle(part);
    if (obstacle === undefined) this.#send(part, then);
    else this.#settle(part, obstacle, then);
  }

  /** Settles every item of a part that is not sent. */
  giveBack(part: Part, why: UnavailableWhy): void {
    this.#conclude(part, { kind: 'unavailable', why });
  }

  /** Nothing is given up without having been tried once, open circuit, full lane or not. */
  owesAnAttempt(timeMs: number | undefined, event: Remembered): boolean {
    return !event.attempted && this.#isOverdue(timeMs, event);
  }

  #obstacle(part: Part): Reply | undefined {
    if (part.run.isBlocked(part.claimed)) return { kind: 'unavailable', why: 'earlier_event_failed' };
    if (this.#sendingBytes >= this.#deps.limits.maxHeldBytes) return { kind: 'unavailable', why: 'over_limit' };
    const isLate = this.#deps.clock.monotonicMs() >= part.run.lastTryMs;
    if (isLate && !this.#mustTry(part)) return { kind: 'unavailable', why: 'out_of_time' };
    if (this.#deps.backends.enter(part.entry.route.target) || this.#mustTry(part)) return undefined;
    return { kind: 'unavailable', why: 'circuit_open' };
  }

  #mustTry({ entry, claimed }: Part): boolean {
    return claimed.some(({ event }) => this.owesAnAttempt(entry.entry.timeMs, event));
  }

  #settle(part: Part, reply: Reply, then: Done): void {
    if (reply.kind !== 'too_large' || part.claimed.length === 1) {
      this.#conclude(part, reply);
      then.done();
      return;
    }
    const { run, entry, claimed } = part;
    const half = Math.ceil(claimed.length / 2);
    const second = { run, entry, claimed: claimed.slice(half) };
    const done = (): void => {
      this.carry(second, then);
    };
    this.carry({ run, entry, claimed: claimed.slice(0, half) }, { done });
  }

  #send(part: Part, then: Done): void {
    this.#noteAttempt(part);
    const trace = part.run.post.trace?.attempt(part.entry.route, part.claimed.length);
    const request = this.#request(part, trace);
    this.#sendingBytes += request.body.length;
    const attempt = { isOver: false };
    const answered = (answer: BotAnswer): void => {
      attempt.isOver = true;
      this.#sendingBytes -= request.body.length;
      this.#deps.backends.went(request.target, isAnswered(answer));
      const reply = this.#believed(part, replyOf(answer));
      trace?.end(reply.kind === 'accepted', reply.kind === 'unavailable' ? reply.why : reply.kind);
      this.#settle(part, reply, then);
    };
    try {
      this.#deps.client.send(request, answered);
    } catch (error) {
      if (attempt.isOver) throw error;
      // A client that fails is a bug of ours; it must not stop the page's lane.
      const traceId = traceIdOf(part.run.post.traceparent);
      this.#deps.log.error('sending to a bot failed unexpectedly', { error, traceId });
      answered({ kind: 'none', why: 'reset' });
    }
  }

  #request({ run, entry, claimed }: Part, trace: AttemptTrace | undefined): BotRequest {
    const { clock, limits } = this.#deps;
    const { route } = entry;
    const body = bodyOf(
      entry.entry,
      claimed.map(({ item }) => item),
    );
    const secret = route.signingSecret ?? run.post.verifiedBy;
    const leftMs = Math.max(run.lastTryMs - clock.monotonicMs(), LAST_ATTEMPT_MS);
    const timeoutMs = Math.min(route.timeoutMs, limits.answerWithinMs, leftMs);
    const { verified, verifiedBy } = run.post;
    const post =
      trace === undefined ? run.post : { ...(verified === undefined ? {} : { verified }), verifiedBy, traceparent: trace.traceparent };
    return { target: route.target, headers: requestHeaders(post, route, body, secret), body, timeoutMs };
  }

  #noteAttempt({ entry, claimed }: Part): void {
    for (const { event } of claimed) {
      if (event.again && event.attempted) this.#deps.observe.retried(entry.route.appId);
      event.attempted = true;
    }
  }

  /** A backend that accepts nothing is wrong itself, not the event. */
  #believed({ run, entry, claimed }: Part, reply: Reply): Reply {
    const { backends, alerts } = this.#deps;
    const { route } = entry;
    const secret = route.signingSecret ?? run.post.verifiedBy;
    if (reply.kind === 'accepted') backends.accepted(route.target, secret);
    if (reply.kind === 'unavailable' && reply.why === 'address_refused') alerts.raise('address_refused', route, run.post.traceparent);
    const isFinal = reply.kind === 'refused' || (reply.kind === 'too_large' && claimed.length === 1);
    if (!isFinal || backends.refused(route.target, secret)) return reply;
    alerts.raise('refuses_everything', route, run.post.traceparent);
    return { kind: 'unavailable', why: 'refusals_not_trusted' };
  }

  #conclude({ run, entry, claimed }: Part, reply: Reply): void {
    const { observe, dedupe, clock } = this.#deps;
    const {
      route,
      entry: { timeMs },
    } = entry;
    if (reply.kind === 'unavailable') observe.unavailable(route.appId, reply.why);
    let worst: Outcome = 'accepted';
    for (const one of claimed) {
      const outcome = this.#outcomeOf(reply, timeMs, one.event);
      if (outcome !== 'accepted') worst = outcome;
      observe.item(route.appId, one.item.channel ?? 'none', outcome);
      run.tell(one.item, outcome);
      dedupe.settle(one.event, outcome);
    }
    const now = clock.nowMs();
    if (worst === 'accepted') {
      observe.latency(route.appId, clock.monotonicMs() - run.post.receivedMs, timeMs === undefined ? undefined : now - timeMs);
    }
    if (worst === 'accepted') this.#deps.states.accepted(route, now);
    else this.#noteFailure(run, route, { reply, worst });
  }

  #noteFailure({ post }: PostRun, route: PageRoute, { reply, worst }: { readonly reply: Reply; readonly worst: Outcome }): void {
    const { states, clock, alerts, log } = this.#deps;
    if (worst === 'dropped') alerts.raise('dropped', route, post.traceparent);
    const why = reply.kind !== 'unavailable' ? 'refused' : worst === 'dropped' ? 'dropped' : reply.why;
    states.failed(route, clock.nowMs(), why);
    const { appId, pageId, owner } = route;
    const page = `${owner.namespace}/${owner.name}`;
    log.debug('bot did not take an event', { appId, pageId, page, why, traceId: traceIdOf(post.traceparent) });
  }

  #outcomeOf(reply: Reply, timeMs: number | undefined, event: Remembered): Outcome {
    if (reply.kind === 'accepted') return 'accepted';
    if (reply.kind !== 'unavailable') return 'refused';
    return event.attempted && this.#isOverdue(timeMs, event) ? 'dropped' : 'unavailable';
  }

  /** A time in the future says nothing; then, as without any, it counts from the first arrival. */
  #isOverdue(timeMs: number | undefined, { firstSeenMs }: Remembered): boolean {
    const { clock, limits } = this.#deps;
    return clock.nowMs() - Math.min(timeMs ?? firstSeenMs, firstSeenMs) >= limits.giveUpMs;
  }
}
