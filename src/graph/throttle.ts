import type { Clock } from '../kit/clock.js';
import { AppCredentialError, RateLimitedError, type OperatorError } from '../core/domain/errors.js';
import type { AppCredentials } from '../core/ports/graph.js';
import { BoundedMap } from '../kit/bounded-map.js';
import type { GraphCall } from './call.js';
import { proofOf } from './credentials.js';
import type { Usage } from './usage.js';

const PROBE_MS = 60_000;
const FIRST_WAIT_MS = 5 * 60_000;
const MAX_WAIT_MS = 60 * 60_000;
/** Graph counts over a rolling hour; what is older than this says nothing any more. */
const USAGE_LIFE_MS = 60 * 60_000;
const MAX_APPS = 1_000;
const MAX_PAGES = 20_000;

interface Block {
  /** Tickets with a higher number are from after the block began. */
  readonly number: number;
  readonly untilMs: number;
  /** How many throttles came in a row: each doubles the wait that Graph did not name. */
  readonly strikes: number;
  nextProbeMs: number;
}

interface Refusal {
  readonly error: OperatorError;
  readonly number: number;
  nextProbeMs: number;
}

/** Interval multiplier: above 50 % usage of the app's budget 2, above 80 % 6. */
export type Pressure = 1 | 2 | 6;

/** What counts of a call that is about to be made. */
export type ThrottledCall = Pick<GraphCall, 'pageId' | 'checksCredentials'> & { readonly auth: Pick<GraphCall['auth'], 'app'> };

/**
 * Permission to make one call; handed back with its outcome, so that a call from before a block
 * does not lift it.
 */
export interface Ticket {
  readonly number: number;
}

/**
 * Keeps calls away from a Graph that has asked for rest: per app, per page, and per app credential
 * that Graph refuses. While an app is blocked or its credential refused, one call a minute goes
 * through as a probe; all others fail at once.
 */
export class Throttle {
  readonly #clock: Clock;
  /**
   * A block stays after its time until Graph answers a call: until then one a minute goes through,
   * not all at once.
   */
  readonly #apps = new BoundedMap<string, Block>(MAX_APPS);
  readonly #pages = new BoundedMap<string, Block>(MAX_PAGES);
  readonly #refusals = new BoundedMap<string, Refusal>(MAX_APPS);
  readonly #usage = new BoundedMap<string, SeenUsage>(MAX_APPS);
  readonly #pageUsage = new BoundedMap<string, SeenUsage>(MAX_PAGES);
  #lastNumber = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Why a call would not be let through now; undefined if it would. Uses up no probe. */
  refuses({ auth: { app }, pageId, checksCredentials }: ThrottledCall): OperatorError | undefined {
    const now = this.#clock.monotonicMs();
    const refusal = checksCredentials === true ? undefined : this.#refusals.get(credentialKey(app));
    if (refusal !== undefined && now < refusal.nextProbeMs) return copyOf(refusal.error);
    const block = this.#apps.get(app.appId);
    if (block !== undefined && now < block.nextProbeMs)
      return blocked("the app's", Math.max(block.untilMs, block.nextProbeMs) - now, 'app');
    const page = pageId === undefined ? undefined : this.#pages.get(pageKey(app.appId, pageId));
    if (page !== undefined && now < page.untilMs) return blocked("the Page's", page.untilMs - now, 'page');
    return undefined;
  }

  /**
   * Lets a call through, as a probe if need be.
   * @throws RateLimitedError or AppCredentialError where it has to wait.
   */
  admit(call: ThrottledCall): Ticket {
    const refused = this.refuses(call);
    if (refused !== undefined) throw refused;
    const { app } = call.auth;
    const now = this.#clock.monotonicMs();
    const refusal = this.#refusals.get(credentialKey(app));
    if (refusal !== undefined) refusal.nextProbeMs = now + PROBE_MS;
    const block = this.#apps.get(app.appId);
    if (block !== undefined) block.nextProbeMs = now + PROBE_MS;
    return { number: ++this.#lastNumber };
  }

  /** Graph answered a call well: what was blocked when it was let through is free again. */
  succeeded(ticket: Ticket, app: AppCredentials, pageId: string | undefined): void {
    lift(this.#refusals, credentialKey(app), ticket);
    this.answered(ticket, app, pageId);
  }

  /** Graph gave an answer that is no throttle, be it good or bad. */
  answered(ticket: Ticket, app: AppCredentials, pageId: string | undefined): void {
    lift(this.#apps, app.appId, ticket);
    if (pageId !== undefined) lift(this.#pages, pageKey(app.appId, pageId), ticket);
  }

  /**
   * Graph refused the app's credentials in a call that holds nothing else. All calls with them wait
   * behind one probe a minute.
   */
  credentialRefused(app: AppCredentials, error: OperatorError): void {
    const nextProbeMs = this.#clock.monotonicMs() + PROBE_MS;
    this.#refusals.set(credentialKey(app), { error, number: ++this.#lastNumber, nextProbeMs });
  }

  /**
   * Graph answered with a throttle code. @returns how long to wait: what Graph named, else 5 min,
   * doubling up to an hour.
   */
  throttled(scope: 'app' | 'page', app: AppCredentials, pageId: string | undefined, usage: Usage): number {
    const wholeApp = scope === 'app' || pageId === undefined;
    const blocks = wholeApp ? this.#apps : this.#pages;
    const key = wholeApp ? app.appId : pageKey(app.appId, pageId);
    const now = this.#clock.monotonicMs();
    const block = blocks.get(key);
    // A probe that fails while we wait anyway tells nothing new.
    const waiting = block !== undefined && now < block.untilMs;
    const strikes = (block?.strikes ?? 0) + (waiting ? 0 : 1);
    const unnamed = waiting ? block.untilMs - now : Math.min(FIRST_WAIT_MS * 2 ** (strikes - 1), MAX_WAIT_MS);
    const ms = usage.regainMs > 0 ? usage.regainMs : unnamed;
    blocks.set(key, { number: ++this.#lastNumber, untilMs: now + ms, strikes, nextProbeMs: now + PROBE_MS });
    return ms;
  }

  /**
   * Takes in the usage headers of any answer. A page whose budget Graph calls spent waits even if
   * this call went through.
   */
  observe(usage: Usage, app: AppCredentials, pageId: string | undefined): void {
    const now = this.#clock.monotonicMs();
    if (usage.appPercent !== undefined) this.#usage.set(app.appId, { percent: usage.appPercent, atMs: now });
    if (usage.pagePercent !== undefined && pageId !== undefined) this.#notePage(pageKey(app.appId, pageId), usage.pagePercent, now);
    if (usage.regainMs === 0 || pageId === undefined) return;
    this.#pages.set(pageKey(app.appId, pageId), {
      number: ++this.#lastNumber,
      untilMs: now + usage.regainMs,
      strikes: 1,
      nextProbeMs: now + PROBE_MS,
    });
  }

  /**
   * By how much the intervals of an app's drift checks, or of one of its pages', are to be
   * stretched.
   */
  pressure(appId: string, pageId?: string): Pressure {
    const page = pageId === undefined ? undefined : this.#pageUsage.get(pageKey(appId, pageId));
    const now = this.#clock.monotonicMs();
    const known = [this.#usage.get(appId), page].filter((usage) => usage !== undefined && now - usage.atMs <= USAGE_LIFE_MS);
    const percent = Math.max(0, ...known.map((usage) => usage?.percent ?? 0));
    if (percent > 80) return 6;
    return percent > 50 ? 2 : 1;
  }

  /** Only pages that use much of their budget are remembered. */
  #notePage(key: string, percent: number, atMs: number): void {
    if (percent > 50) this.#pageUsage.set(key, { percent, atMs });
    else this.#pageUsage.delete(key);
  }
}

interface SeenUsage {
  readonly percent: number;
  readonly atMs: number;
}

function lift(blocks: BoundedMap<string, { readonly number: number }>, key: string, ticket: Ticket): void {
  const block = blocks.get(key);
  if (block !== undefined && ticket.number > block.number) blocks.delete(key);
}

function blocked(whose: string, ms: number, scope: 'app' | 'page'): RateLimitedError {
  return new RateLimitedError(`${whose} request limit at Graph is reached; waiting until it is free again`, ms, { scope });
}

/** A new error for each caller: its stack and whatever a caller hangs on it are its own. */
function copyOf(error: OperatorError): OperatorError {
  return new AppCredentialError(error.reason, error.message, { graphText: error.graphText, graphCode: error.graphCode });
}

/**
 * Stands for app id and secret without being either: a changed secret has another key, and so is
 * not parked.
 */
function credentialKey(app: AppCredentials): string {
  return proofOf({ app });
}

function pageKey(appId: string, pageId: string): string {
  return `${appId}/${pageId}`;
}
