import { LEASE_MS, RENEW_DEADLINE_MS } from '../kit/lease-times.js';
import { sleep, type Clock } from '../kit/clock.js';
import { NotLeaderError } from '../core/domain/errors.js';
import type { Logger } from '../kit/log.js';
import { linked } from '../kit/abort.js';
import { isAborted, unlessAborted, withDeadline } from '../runtime/deadline.js';
import type { WriteFence } from '../runtime/ports.js';
import { isStatus } from './kube-error.js';
import { microTime, type Lease, type LeaseLock, type LeaseSpec } from './lease.js';

/** client-go's defaults. */
export interface ElectionTiming {
  /** What others wait after the last renewal that they saw. */
  readonly leaseMs: number;
  /** What the holder goes on for after the last renewal that succeeded. */
  readonly renewDeadlineMs: number;
  readonly retryMs: number;
}

export const ELECTION_TIMING: ElectionTiming = { leaseMs: LEASE_MS, renewDeadlineMs: RENEW_DEADLINE_MS, retryMs: 2_000 };

const JITTER = 1.2;
/** One attempt; two fit before the deadline. */
const REQUEST_TIMEOUT_MS = 5_000;
const RELEASE_TIMEOUT_MS = 2_000;
/**
 * What the work may take to end once the lease is lost; the process ends then, whatever goes on in
 * it.
 */
const END_TIMEOUT_MS = 15_000;

export interface LeaderElectionDeps {
  readonly lock: LeaseLock;
  readonly clock: Clock;
  readonly log: Logger;
  /** Of this process, never of two: the Pod's name and something random. */
  readonly identity: string;
  readonly observe?: (leading: boolean) => void;
  readonly timing?: ElectionTiming;
  readonly random?: () => number;
}

/**
 * One leader at a time, by a Lease. Time is only measured by this process's monotonic clock: of
 * another's lease counts when we saw it renewed, of our own when the request that renewed it was
 * begun. As a fence it refuses writes 10 s after that, 5 s before anybody else may begin.
 */
export class LeaderElection implements WriteFence {
  readonly #deps: LeaderElectionDeps;
  readonly #timing: ElectionTiming;
  readonly #random: () => number;
  #keepMs = 0;
  /** The Lease as it was last seen, and when it was first seen like that. */
  #seen: { readonly lease: Lease | undefined; readonly spec: string; readonly atMs: number } | undefined;
  #leading = false;
  #renewedMs = -Infinity;

  constructor(deps: LeaderElectionDeps) {
    this.#deps = deps;
    this.#timing = deps.timing ?? ELECTION_TIMING;
    this.#random = deps.random ?? Math.random;
  }

  get isLeader(): boolean {
    return this.#leading;
  }

  check(): void {
    if (!this.#leading) throw new NotLeaderError();
    const ageMs = this.#deps.clock.monotonicMs() - this.#renewedMs;
    if (ageMs >= this.#timing.renewDeadlineMs) throw new NotLeaderError(`the lease was last renewed ${Math.round(ageMs)} ms ago`);
  }

  /**
   * Once the work has ended, no other process may lead for this long, although this process has
   * stopped renewing the lease.
   */
  keepAfterwards(ms: number): void {
    this.#keepMs = ms;
  }

  /**
   * Waits until this process leads, runs `work`, and when the signal is aborted waits for its end
   * and releases the lease.
   * @throws NotLeaderError when the lease was lost: `work`'s signal was aborted, it has ended or
   * had 15 s for it, and the process must end
   */
  async lead(work: (signal: AbortSignal) => Promise<void>, signal: AbortSignal): Promise<void> {
    if (!(await this.#acquire(signal))) return;
    const { log, identity, observe } = this.#deps;
    log.info('became leader', { identity });
    observe?.(true);
    try {
      await this.#whileRenewed(work, signal);
    } finally {
      observe?.(false);
      if (this.#leading) await this.#release();
    }
  }

  /**
   * Runs until the work has ended; aborts it when the lease cannot be renewed. @throws what the
   * work does, NotLeaderError
   */
  async #whileRenewed(work: (signal: AbortSignal) => Promise<void>, signal: AbortSignal): Promise<void> {
    const life = linked(signal);
    let lost: unknown;
    const outOfTime = new AbortController();
    let cancelTimer = (): void => undefined;
    const renewing = this.#renew(life.signal).catch((error: unknown) => {
      this.#deps.log.error('lost the lease', { error });
      // The fence closes before any observer hears of it: nothing may slip through in between.
      this.#leading = false;
      lost = error;
      life.abort(error);
      cancelTimer = this.#deps.clock.setTimer(END_TIMEOUT_MS, () => {
        this.#deps.log.error('work goes on after the lease was lost, and is not waited for');
        outOfTime.abort(error);
      });
    });
    try {
      await unlessAborted(work(life.signal), outOfTime.signal);
    } finally {
      cancelTimer();
      life.abort(new Error('the work has ended'));
      life.clear();
      await renewing;
    }
    if (lost !== undefined) throw lost as Error;
  }

  /** @returns false when the signal was aborted first */
  async #acquire(signal: AbortSignal): Promise<boolean> {
    const { log } = this.#deps;
    let told = false;
    while (!signal.aborted) {
      try {
        if (await this.#tryToHold(signal)) return true;
        if (!told) log.info('waiting for the lease', { holder: this.#seen?.lease?.spec?.holderIdentity });
        told = true;
      } catch (error) {
        if (isAborted(signal)) return false;
        log.warn('cannot get the lease', { error });
      }
      await sleep(this.#deps.clock, this.#untilNextTry(), signal).catch(() => undefined);
    }
    return false;
  }

  /**
   * With jitter, but no longer than another's lease lasts: a waiting replica takes over when it
   * ends.
   */
  #untilNextTry(): number {
    const retryMs = this.#timing.retryMs * (1 + JITTER * this.#random());
    const leftMs = this.#leaseMs() - this.#seenForMs();
    return leftMs > 0 ? Math.min(retryMs, leftMs) : retryMs;
  }

  /** Renews until the signal is aborted. @throws NotLeaderError when it cannot */
  async #renew(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#deps;
    while (!signal.aborted) {
      await sleep(clock, this.#timing.retryMs, signal).catch(() => undefined);
      if (isAborted(signal)) return;
      try {
        if (!(await this.#tryToHold(signal))) throw new NotLeaderError('another process holds the lease');
      } catch (error) {
        if (isAborted(signal)) return;
        if (error instanceof NotLeaderError) throw error;
        log.warn('cannot renew the lease', { error });
      }
      this.check();
    }
  }

  /**
   * One attempt to get or keep the lease, which ends before the lease does. @returns whether it is
   * ours now. @throws what the client does
   */
  async #tryToHold(signal: AbortSignal): Promise<boolean> {
    const { clock } = this.#deps;
    const startedMs = clock.monotonicMs();
    const { renewDeadlineMs } = this.#timing;
    const deadline = withDeadline(clock, signal, this.#leading ? this.#renewedMs + renewDeadlineMs - startedMs : renewDeadlineMs);
    try {
      // The holder writes what it knows and reads only if that is out of date.
      const held = await this.#write(this.#leading, deadline.signal);
      if (!held) return false;
    } catch (error) {
      if (!isStatus(error, 404, 409)) throw error;
      if (!(await this.#write(false, deadline.signal))) return false;
    } finally {
      deadline.clear();
    }
    this.#renewedMs = startedMs;
    this.#leading = true;
    return true;
  }

  async #write(known: boolean, signal: AbortSignal): Promise<boolean> {
    const { lock } = this.#deps;
    if (!known) this.#notice(await lock.get(REQUEST_TIMEOUT_MS, signal));
    if (this.#heldByAnother()) return false;
    this.#notice(await lock.write(this.#seen?.lease, this.#spec(), REQUEST_TIMEOUT_MS, signal));
    return true;
  }

  #notice(lease: Lease | undefined): void {
    const spec = JSON.stringify(lease?.spec ?? {});
    const atMs = spec === this.#seen?.spec ? this.#seen.atMs : this.#deps.clock.monotonicMs();
    this.#seen = { lease, spec, atMs };
  }

  #heldByAnother(): boolean {
    const { holderIdentity = '' } = this.#seen?.lease?.spec ?? {};
    if (holderIdentity === '' || holderIdentity === this.#deps.identity) return false;
    return this.#leading || this.#seenForMs() < this.#leaseMs();
  }

  /** What its holder says, if that is longer than ours. */
  #leaseMs(): number {
    const { leaseDurationSeconds = 0 } = this.#seen?.lease?.spec ?? {};
    return Math.max(this.#timing.leaseMs, leaseDurationSeconds * 1_000);
  }

  /** For how long the Lease has not changed. */
  #seenForMs(): number {
    const nowMs = this.#deps.clock.monotonicMs();
    return nowMs - (this.#seen?.atMs ?? nowMs);
  }

  #spec(): LeaseSpec {
    const { clock, identity } = this.#deps;
    const before = this.#seen?.lease?.spec;
    const now = microTime(clock.nowMs());
    const ours = before?.holderIdentity === identity;
    const transitions = before?.leaseTransitions ?? 0;
    return {
      holderIdentity: identity,
      leaseDurationSeconds: Math.ceil(this.#timing.leaseMs / 1_000),
      acquireTime: ours ? (before.acquireTime ?? now) : now,
      renewTime: now,
      leaseTransitions: ours || before === undefined ? transitions : transitions + 1,
    };
  }

  /**
   * Lets the next one begin at once instead of after the lease's time, or after {@link
   * keepAfterwards}. Never throws.
   */
  async #release(): Promise<void> {
    const { lock, clock, log, identity } = this.#deps;
    this.#leading = false;
    const deadline = withDeadline(clock, undefined, RELEASE_TIMEOUT_MS);
    try {
      // Read again: the last renewal may have been cut off after the server had taken it.
      const lease = await lock.get(RELEASE_TIMEOUT_MS, deadline.signal);
      if (lease?.spec?.holderIdentity !== identity) return;
      const keeps = this.#keepMs > 0;
      const last = keeps ? { leaseDurationSeconds: Math.ceil(this.#keepMs / 1_000) } : { holderIdentity: '', leaseDurationSeconds: 1 };
      await lock.write(lease, { ...lease.spec, ...last, renewTime: microTime(clock.nowMs()) }, RELEASE_TIMEOUT_MS, deadline.signal);
      log.info(keeps ? 'left the lease to expire' : 'released the lease');
    } catch (error) {
      log.warn('cannot release the lease', { error });
    } finally {
      deadline.clear();
    }
  }
}
