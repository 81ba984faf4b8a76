import type { Clock } from '../core/clock.js';
import type { Logger } from '../core/log.js';

import type { Alerts } from './alerts.js';
import type { BackendClient, BotAnswer, BotRequest } from './backend-client.js';
import type { Backends } from './backends.js';
import type { Dedupe, Outcome } from './dedupe.js';
import type { DeliveryLimits } from './limits.js';
import type { DeliveryObserver, UnavailableWhy } from './observe.js';
import type { PageStates } from './page-states.js';
import type { Claimed, Part } from './post-run.js';
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

  constructor(deps: CourierDeps) {
    this.#deps = deps;
  }

  /** Never rejects; afterwards every item is settled. */
  async carry(part: Part): Promise<void> {
    const reply = this.#obstacle(part) ?? (await this.#send(part));
    if (reply.kind === 'too_large' && part.claimed.length > 1) {
      const half = Math.ceil(part.claimed.length / 2);
      await this.carry({ ...part, claimed: part.claimed.slice(0, half) });
      await this.carry({ ...part, claimed: part.claimed.slice(half) });
      return;
    }
    this.#conclude(part, reply);
  }

  /** Settles every item of a part that is not sent. */
  giveBack(part: Part, why: UnavailableWhy): void {
    this.#conclude(part, { kind: 'unavailable', why });
  }

  /** Nothing is given up without having been tried once, open circuit, full lane or not. */
  owesAnAttempt(timeMs: number | undefined, { event }: Pick<Claimed, 'event'>): boolean {
    return !event.attempted && this.#isOverdue(timeMs, event);
  }

  #obstacle(part: Part): Reply | undefined {
    if (part.run.isBlocked(part.claimed)) return { kind: 'unavailable', why: 'earlier_one_failed' };
    const mustTry = part.claimed.some((one) => this.owesAnAttempt(part.entry.timeMs, one));
    if (this.#deps.clock.monotonicMs() >= part.run.deadlineMs && !mustTry) return { kind: 'unavailable', why: 'out_of_time' };
    const mayEnter = this.#deps.backends.circuit(part.entry.route.target).enter();
    return mayEnter || mustTry ? undefined : { kind: 'unavailable', why: 'circuit_open' };
  }

  async #send(part: Part): Promise<Reply> {
    const { backends, clock, limits } = this.#deps;
    const { run, entry, claimed } = part;
    const { route } = entry;
    this.#noteAttempt(part);
    const body = entry.body(claimed.map(({ item }) => item));
    const secret = route.signingSecret ?? run.post.verifiedBy;
    const leftMs = Math.max(run.deadlineMs - clock.monotonicMs(), LAST_ATTEMPT_MS);
    const timeoutMs = Math.min(route.timeoutMs, limits.answerWithinMs, leftMs);
    const headers = requestHeaders(run.post, route, body, secret);
    const answer = await this.#ask({ target: route.target, headers, body, timeoutMs });

    const circuit = backends.circuit(route.target);
    const wasOpen = circuit.isOpen;
    if (isAnswered(answer)) circuit.answered();
    else circuit.failed();
    if (circuit.isOpen !== wasOpen) this.#deps.observe.openCircuits(backends.openCircuits);
    return this.#believed(part, replyOf(answer));
  }

  /** A client that throws is a bug of ours; it must not stop the page's lane. */
  async #ask(request: BotRequest): Promise<BotAnswer> {
    try {
      return await this.#deps.client.send(request);
    } catch (error) {
      this.#deps.log.error('sending to a bot failed unexpectedly', { error });
      return { kind: 'none', why: 'reset' };
    }
  }

  #noteAttempt({ entry, claimed }: Part): void {
    for (const { again, event } of claimed) {
      if (again && event.attempted) this.#deps.observe.retried(entry.route.appId);
      event.attempted = true;
    }
  }

  /** A backend that accepts nothing is wrong itself, not the event. */
  #believed({ run, entry, claimed }: Part, reply: Reply): Reply {
    const { backends, alerts } = this.#deps;
    const { route } = entry;
    const secret = route.signingSecret ?? run.post.verifiedBy;
    if (reply.kind === 'accepted') backends.accepted(route.target, secret);
    if (reply.kind === 'unavailable' && reply.why === 'address_refused') alerts.raise('address_refused', route);
    const isFinal = reply.kind === 'refused' || (reply.kind === 'too_large' && claimed.length === 1);
    if (!isFinal || backends.canRefuse(route.target, secret)) return reply;
    alerts.raise('refuses_everything', route);
    return { kind: 'unavailable', why: 'cannot_refuse' };
  }

  #conclude({ run, entry, claimed }: Part, reply: Reply): void {
    const { observe, dedupe, clock } = this.#deps;
    const { route } = entry;
    if (reply.kind === 'unavailable') observe.unavailable(route.appId, reply.why);
    let worst: Outcome = 'accepted';
    for (const one of claimed) {
      const outcome = this.#outcomeOf(reply, entry.timeMs, one);
      if (outcome !== 'accepted') worst = outcome;
      observe.item(route.appId, one.item.channel ?? 'none', outcome);
      run.tell(one.item, outcome);
      dedupe.settle(one.key, outcome);
    }
    const now = clock.nowMs();
    if (worst === 'accepted') {
      observe.latency(route.appId, clock.monotonicMs() - run.post.receivedMs, entry.timeMs === undefined ? undefined : now - entry.timeMs);
    }
    this.#noteState(entry, reply, worst);
  }

  #noteState({ route }: Part['entry'], reply: Reply, worst: Outcome): void {
    const { states, clock, alerts } = this.#deps;
    if (worst === 'given_up') alerts.raise('given_up', route);
    if (worst === 'accepted') states.accepted(route, clock.nowMs());
    else states.failed(route, clock.nowMs(), reply.kind === 'unavailable' ? (worst === 'given_up' ? 'given_up' : reply.why) : 'refused');
  }

  #outcomeOf(reply: Reply, timeMs: number | undefined, one: Claimed): Outcome {
    if (reply.kind === 'accepted') return 'accepted';
    if (reply.kind !== 'unavailable') return 'refused';
    return one.event.attempted && this.#isOverdue(timeMs, one.event) ? 'given_up' : 'unavailable';
  }

  /** A time in the future says nothing; then, as without any, it counts from the first arrival. */
  #isOverdue(timeMs: number | undefined, { firstSeenMs }: Claimed['event']): boolean {
    const { clock, limits } = this.#deps;
    return clock.nowMs() - Math.min(timeMs ?? firstSeenMs, firstSeenMs) >= limits.giveUpMs;
  }
}
