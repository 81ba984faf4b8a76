import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import type { KubeObject } from '../api/meta.js';
import { sleep, type Clock } from '../kit/clock.js';
import type { Logger } from '../kit/log.js';
import { keyText, type NamespacedName } from '../core/domain/object-key.js';
import { isStatus } from '../k8s/kube-error.js';
import type { KubeClient } from '../k8s/kube-http.js';
import { LeaderElection } from '../k8s/leader-election.js';
import { leaseNameOf, LeaseLock, type LeaseSpec } from '../k8s/lease.js';
import { listAll } from '../k8s/list.js';
import { LEASES } from '../k8s/resources.js';
import { writesAlone } from '../k8s/write-fences.js';
import { linked } from '../kit/abort.js';
import { DeadlineError } from '../runtime/deadline.js';
import type { WriteFence } from '../runtime/ports.js';

export interface LeadDeps {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Logger;
}

export interface LeadWanted {
  readonly className: string;
  /** undefined: wherever the Lease of this class is. */
  readonly namespace: string | undefined;
}

const LEASE_TIMEOUT_MS = 5_000;
/**
 * A leader that was asked to stop has 30 s for it. If it is killed then, its lease lives 15 s
 * longer.
 */
const STOPPING_WAIT_MS = 60_000;
/** Long enough to see that a lease is no longer renewed. */
const DEAD_WAIT_MS = 25_000;
/** A living leader renews its lease every two seconds. */
const RENEWED_WITHIN_MS = 5_000;

/**
 * Where the Lease is by which the controllers of a class elect their leader; undefined: there is
 * none, so none has ever led.
 * @throws Error that says what to do when that cannot be found out
 */
export async function findLease({ client }: LeadDeps, wanted: LeadWanted, signal: AbortSignal): Promise<NamespacedName | undefined> {
  const name = leaseNameOf(wanted.className);
  if (wanted.namespace !== undefined) return { namespace: wanted.namespace, name };
  const leases = await listLeases(client, name, signal);
  const held = leases.filter(({ holder }) => holder !== '');
  const candidates = held.length > 0 ? held : leases;
  if (candidates.length > 1) {
    const where = candidates.map(({ namespace }) => namespace).join(', ');
    throw new Error(`there are Leases ${name} in ${where}: name the namespace of the install with --lease-namespace`);
  }
  const [only] = candidates;
  return only === undefined ? undefined : { namespace: only.namespace, name };
}

async function listLeases(
  client: KubeClient,
  name: string,
  signal: AbortSignal,
): Promise<readonly { readonly namespace: string; readonly holder: string }[]> {
  try {
    const wanted = { resource: LEASES, fieldSelector: `metadata.name=${name}` };
    const { items } = await listAll<KubeObject & { readonly spec?: LeaseSpec }>(client, wanted, signal);
    return items.map(({ metadata, spec }) => ({ namespace: metadata.namespace ?? '', holder: spec?.holderIdentity ?? '' }));
  } catch (error) {
    if (!isStatus(error, 403)) throw error;
    throw new Error('not allowed to look for the Lease of the leader: name its namespace with --lease-namespace', { cause: error });
  }
}

/** Which Lease, and whether its holder was asked to stop. */
interface LeadOf {
  readonly lease: NamespacedName | undefined;
  readonly stopping: boolean;
}

/**
 * @returns for how long no controller may lead after it, in milliseconds; undefined: one may at
 * once
 */
type Work = (fence: WriteFence, signal: AbortSignal) => Promise<number | undefined>;

/**
 * Runs `work` as the leader of a class, so that no controller writes meanwhile. Without a `lease`
 * none ever led.
 * @throws Error that says what to do, with nothing done, when another process leads and keeps
 * leading
 */
export async function withLead(deps: LeadDeps, { lease, stopping }: LeadOf, work: Work, signal: AbortSignal): Promise<void> {
  if (lease === undefined) {
    await work(writesAlone, signal);
    return;
  }
  const lock = new LeaseLock(deps.client, lease);
  const before = await leaseOf(lock, lease, signal);
  const { holderIdentity: holder = '' } = before;
  if (!stopping && holder !== '') {
    await sleep(deps.clock, RENEWED_WITHIN_MS, signal);
    if (isRenewed(before, await leaseOf(lock, lease, signal))) throw new Error(stillLed(lease, holder));
  }
  if (await leadWithin(deps, { lock, waitMs: stopping ? STOPPING_WAIT_MS : DEAD_WAIT_MS }, work, signal)) return;
  signal.throwIfAborted();
  throw new Error(stillLed(lease, holder));
}

function isRenewed(before: LeaseSpec, after: LeaseSpec): boolean {
  return after.holderIdentity === before.holderIdentity && after.renewTime !== before.renewTime;
}

async function leaseOf(lock: LeaseLock, lease: NamespacedName, signal: AbortSignal): Promise<LeaseSpec> {
  try {
    return (await lock.get(LEASE_TIMEOUT_MS, signal))?.spec ?? {};
  } catch (error) {
    if (!isStatus(error, 403)) throw error;
    const mend = 'stop the controller and use --leader-elect=false, or ask for that right';
    throw new Error(`not allowed to read the Lease ${keyText(lease)}: ${mend}`, { cause: error });
  }
}

function stillLed(lease: NamespacedName, holder: string): string {
  const who = holder === '' ? 'it could not be taken' : `${holder} leads`;
  return (
    `the Lease ${keyText(lease)}: ${who}; a running controller would undo this. Stop it first (--stop-controller DEPLOYMENT, ` +
    'or kubectl scale --replicas=0), or give --leader-elect=false if you know that none runs'
  );
}

/** @returns false when the Lease could not be taken in time: then nothing was done */
async function leadWithin(
  { clock, log }: LeadDeps,
  { lock, waitMs }: { readonly lock: LeaseLock; readonly waitMs: number },
  work: Work,
  signal: AbortSignal,
): Promise<boolean> {
  const life = linked(signal);
  // Bounds the wait alone: once this process leads, the work may take its time.
  const cancelTimer = clock.setTimer(waitMs, () => {
    life.abort(new DeadlineError(waitMs));
  });
  const election = new LeaderElection({ lock, clock, log, identity: `release_${hostname()}_${randomBytes(4).toString('hex')}` });
  let led = false;
  try {
    await election.lead(async (leading) => {
      cancelTimer();
      led = true;
      election.keepAfterwards((await work(election, leading)) ?? 0);
    }, life.signal);
  } finally {
    cancelTimer();
    life.clear();
  }
  return led;
}
