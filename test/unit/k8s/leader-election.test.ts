import { describe, expect, it } from '@jest/globals';
import { ClusterUnavailableError, NotLeaderError } from '../../../src/core/domain/errors.js';
import { silentLogger } from '../../../src/kit/log.js';
import { KubeStatusError } from '../../../src/k8s/kube-error.js';
import { LeaderElection } from '../../../src/k8s/leader-election.js';
import type { Lease, LeaseLock, LeaseSpec } from '../../../src/k8s/lease.js';
import { FakeClock, flush } from '../../support/fake-clock.js';

/** The Lease as the API server keeps it: a write holds only for the version that was read. */
class FakeLease {
  lease: Lease | undefined;
  writes = 0;
  down = false;
  /** The next write is taken, but its answer is lost. */
  swallow = false;

  readonly get = async (): Promise<Lease | undefined> => {
    if (this.down) throw new ClusterUnavailableError('down');
    return this.lease;
  };

  readonly write = async (before: Lease | undefined, spec: LeaseSpec): Promise<Lease> => {
    if (this.down) throw new ClusterUnavailableError('down');
    if (before?.metadata.resourceVersion !== this.lease?.metadata.resourceVersion)
      throw new KubeStatusError('PUT lease', 409, { reason: 'Conflict' });
    this.lease = { metadata: { resourceVersion: String(++this.writes) }, spec };
    if (this.swallow) {
      this.swallow = false;
      throw new ClusterUnavailableError('the answer was lost');
    }
    return this.lease;
  };

  /** As if somebody else wrote it. */
  holdBy(holderIdentity: string): void {
    // A clock that stands wrong: only that the time changes matters.
    const renewTime = `1999-01-01T00:00:00.${String(++this.writes).padStart(6, '0')}Z`;
    const spec = { holderIdentity, leaseDurationSeconds: 15, leaseTransitions: 3, renewTime };
    this.lease = { metadata: { resourceVersion: String(this.writes) }, spec };
  }
}

function candidate(lease: FakeLease, clock: FakeClock, identity: string) {
  const abort = new AbortController();
  const told: string[] = [];
  const lock = lease as unknown as LeaseLock;
  const election = new LeaderElection({ lock, clock, log: silentLogger, identity, random: () => 0 });
  const work = (signal: AbortSignal): Promise<void> => {
    told.push('started');
    return new Promise((resolve) => {
      signal.addEventListener('abort', () => {
        told.push('stopped');
        resolve();
      });
    });
  };
  const ended = election.lead(work, abort.signal).then(
    () => told.push('ended'),
    (error: unknown) => told.push(error instanceof NotLeaderError ? 'lost' : 'failed'),
  );
  const mayWrite = (): boolean => {
    try {
      election.check();
      return true;
    } catch (error) {
      expect(error).toBeInstanceOf(NotLeaderError);
      return false;
    }
  };
  return { election, abort, told, ended, mayWrite };
}

const setUp = () => ({ lease: new FakeLease(), clock: new FakeClock() });

describe('LeaderElection', () => {
  it('leads at once where nobody holds the lease, and says since when', async () => {
    const { lease, clock } = setUp();
    const a = candidate(lease, clock, 'a');
    expect(a.mayWrite()).toBe(false);
    await flush();
    expect(a.told).toEqual(['started']);
    expect(a.mayWrite()).toBe(true);
    expect(lease.lease?.spec).toEqual({
      holderIdentity: 'a',
      leaseDurationSeconds: 15,
      acquireTime: '2026-11-23T00:00:00.000000Z',
      renewTime: '2026-11-23T00:00:00.000000Z',
      leaseTransitions: 0,
    });
  });

  it('renews every 2 s, keeping the time at which it began to lead', async () => {
    const { lease, clock } = setUp();
    candidate(lease, clock, 'a');
    await clock.advance(60_000);
    expect(lease.writes).toBe(31);
    expect(lease.lease?.spec).toMatchObject({ acquireTime: '2026-11-23T00:00:00.000000Z', renewTime: '2026-11-23T00:01:00.000000Z' });
  });

  it('waits while another renews, whatever the times in the lease say, and takes over 15 s after it last saw it renewed', async () => {
    const { lease, clock } = setUp();
    lease.holdBy('other');
    const a = candidate(lease, clock, 'a');
    for (let i = 0; i < 10; i++) {
      await clock.advance(10_000);
      lease.holdBy('other');
    }
    expect(a.told).toEqual([]);
    await clock.advance(14_000);
    expect(a.told).toEqual([]);
    await clock.advance(4_000);
    expect(a.told).toEqual(['started']);
    expect(lease.lease?.spec).toMatchObject({ holderIdentity: 'a', leaseTransitions: 4 });
  });

  it('takes over in the moment in which the lease of a holder that died ends', async () => {
    const { lease, clock } = setUp();
    lease.holdBy('other');
    const a = candidate(lease, clock, 'a');
    await clock.advance(14_999);
    expect(a.told).toEqual([]);
    await clock.advance(1);
    expect(a.told).toEqual(['started']);
  });

  it('takes a released lease at its next look', async () => {
    const { lease, clock } = setUp();
    const a = candidate(lease, clock, 'a');
    await clock.advance(5_000);
    const b = candidate(lease, clock, 'b');
    await clock.advance(5_000);
    a.abort.abort();
    await a.ended;
    expect(a.told).toEqual(['started', 'stopped', 'ended']);
    expect(a.mayWrite()).toBe(false);
    await clock.advance(2_500);
    expect(b.told).toEqual(['started']);
  });

  it('closes its fence 10 s after the last renewal began, and ends, before anybody else may lead', async () => {
    const { lease, clock } = setUp();
    const a = candidate(lease, clock, 'a');
    await clock.advance(2_000);
    const b = candidate(lease, clock, 'b');
    await flush();
    lease.down = true;
    await clock.advance(9_999);
    expect(a.mayWrite()).toBe(true);
    await clock.advance(1);
    expect(a.mayWrite()).toBe(false);
    await clock.advance(2_000);
    expect(a.told).toEqual(['started', 'stopped', 'lost']);
    lease.down = false;
    await clock.advance(2_000);
    expect(b.told).toEqual([]);
    await clock.advance(4_000);
    expect(b.told).toEqual(['started']);
  });

  it('never lets two write at once, however the server comes and goes', async () => {
    const { lease, clock } = setUp();
    const all = ['a', 'b', 'c'].map((name) => candidate(lease, clock, name));
    let seed = 7;
    for (let i = 0; i < 600; i++) {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
      if (i % 20 === 0) lease.down = seed % 3 === 0;
      if (seed % 50 === 0) lease.swallow = true;
      await clock.advance(500);
      expect(all.filter((each) => each.mayWrite()).length).toBeLessThanOrEqual(1);
    }
    expect(all.some(({ told }) => told.includes('started'))).toBe(true);
  });

  it('goes on when a renewal was taken but its answer was lost', async () => {
    const { lease, clock } = setUp();
    const a = candidate(lease, clock, 'a');
    await clock.advance(1_000);
    lease.swallow = true;
    await clock.advance(20_000);
    expect(a.told).toEqual(['started']);
    expect(a.mayWrite()).toBe(true);
  });

  it('makes the lease anew when somebody deletes it', async () => {
    const { lease, clock } = setUp();
    const a = candidate(lease, clock, 'a');
    await flush();
    lease.lease = undefined;
    await clock.advance(4_000);
    expect(lease.lease).toMatchObject({ spec: { holderIdentity: 'a' } });
    expect(a.told).toEqual(['started']);
  });

  it('ends when it finds somebody else in the lease', async () => {
    const { lease, clock } = setUp();
    const a = candidate(lease, clock, 'a');
    await flush();
    lease.holdBy('thief');
    await clock.advance(2_000);
    expect(a.told).toEqual(['started', 'stopped', 'lost']);
    expect(lease.lease).toMatchObject({ spec: { holderIdentity: 'thief' } });
  });

  it('does not wait for ever for work that goes on after the lease was lost', async () => {
    const { lease, clock } = setUp();
    const election = new LeaderElection({ lock: lease as unknown as LeaseLock, clock, log: silentLogger, identity: 'a' });
    const leading = election.lead(() => new Promise(() => undefined), new AbortController().signal);
    const lost = expect(leading).rejects.toBeInstanceOf(NotLeaderError);
    await flush();
    lease.holdBy('thief');

    await clock.advance(20_000);

    await lost;
    expect(lease.lease).toMatchObject({ spec: { holderIdentity: 'thief' } });
  });

  it('waits for its work to end before it releases the lease', async () => {
    const { lease, clock } = setUp();
    const election = new LeaderElection({ lock: lease as unknown as LeaseLock, clock, log: silentLogger, identity: 'a' });
    const abort = new AbortController();
    let finish: () => void = () => undefined;
    const leading = election.lead(() => new Promise((resolve) => (finish = resolve)), abort.signal);
    await flush();
    abort.abort();
    await flush();
    expect(lease.lease?.spec?.holderIdentity).toBe('a');
    finish();
    await leading;
    expect(lease.lease?.spec?.holderIdentity).toBe('');
    expect(clock.pendingTimers).toBe(0);
  });

  it('releases the lease also when its work fails, and passes the failure on', async () => {
    const { lease, clock } = setUp();
    const election = new LeaderElection({ lock: lease as unknown as LeaseLock, clock, log: silentLogger, identity: 'a' });
    await expect(election.lead(() => Promise.reject(new Error('a bug')), new AbortController().signal)).rejects.toThrow('a bug');
    expect(lease.lease?.spec?.holderIdentity).toBe('');
  });

  it('stops waiting when told', async () => {
    const { lease, clock } = setUp();
    lease.holdBy('other');
    const a = candidate(lease, clock, 'a');
    await clock.advance(5_000);
    a.abort.abort();
    await a.ended;
    expect(a.told).toEqual(['ended']);
    expect(lease.lease?.spec?.holderIdentity).toBe('other');
    expect(clock.pendingTimers).toBe(0);
  });
});
