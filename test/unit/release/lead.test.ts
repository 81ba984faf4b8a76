import { beforeEach, describe, expect, it } from '@jest/globals';
import { findLease, withLead } from '../../../src/release/lead.js';
import { silentLogger } from '../../../src/kit/log.js';
import { KubeStatusError } from '../../../src/k8s/kube-error.js';
import type { KubeClient, KubeRequest } from '../../../src/k8s/kube-http.js';
import type { Lease, LeaseSpec } from '../../../src/k8s/lease.js';
import { FakeClock } from '../../support/fake-clock.js';

const LEASE = { namespace: 'messenger-operator', name: 'messenger-operator' };
const signal = new AbortController().signal;

/** The Leases of an API server. */
class Leases {
  readonly #leases = new Map<string, Lease>();
  forbidden = false;
  #version = 0;

  readonly client = { request: (request: KubeRequest) => this.#answer(request) } as unknown as KubeClient;

  set(namespace: string, spec: LeaseSpec, name = LEASE.name): void {
    this.#leases.set(`${namespace}/${name}`, { metadata: { name, namespace, resourceVersion: `${++this.#version}` }, spec });
  }

  get(namespace: string): LeaseSpec {
    return this.#leases.get(`${namespace}/${LEASE.name}`)?.spec ?? {};
  }

  #answer({ method, path, body, query }: KubeRequest): Promise<unknown> {
    if (this.forbidden) return Promise.reject(new KubeStatusError(`${method} ${path}`, 403, {}));
    const [, namespace] = /\/namespaces\/([^/]+)\/leases/.exec(path) ?? [];
    if (namespace === undefined)
      return Promise.resolve({ metadata: { resourceVersion: '1' }, items: this.#named(String(query?.['fieldSelector'])) });
    const before = this.#leases.get(`${namespace}/${LEASE.name}`);
    return method === 'GET' ? orNotFound(before) : this.#write(namespace, before, body as Lease);
  }

  #named(selector: string): readonly Lease[] {
    return [...this.#leases.values()].filter(({ metadata }) => `metadata.name=${String(metadata['name'])}` === selector);
  }

  #write(namespace: string, before: Lease | undefined, { metadata, spec = {} }: Lease): Promise<unknown> {
    if (metadata.resourceVersion !== before?.metadata.resourceVersion) return Promise.reject(new KubeStatusError('PUT', 409, {}));
    this.set(namespace, spec);
    return orNotFound(this.#leases.get(`${namespace}/${LEASE.name}`));
  }
}

function orNotFound(lease: Lease | undefined): Promise<Lease> {
  return lease === undefined ? Promise.reject(new KubeStatusError('GET', 404, {})) : Promise.resolve(lease);
}

let clock: FakeClock;
let leases: Leases;

beforeEach(() => {
  clock = new FakeClock();
  leases = new Leases();
});

const deps = () => ({ client: leases.client, clock, log: silentLogger });
const heldBy = (holderIdentity: string, seconds = 0): LeaseSpec => ({
  holderIdentity,
  leaseDurationSeconds: 15,
  renewTime: `2026-11-23T00:00:${String(seconds).padStart(2, '0')}.000000Z`,
});

interface Outcome {
  ranAtMs: number | undefined;
  holder: string | undefined;
  error: Error | undefined;
  endedAtMs: number | undefined;
}

function lead(stopping: boolean, keptMs?: number): Outcome {
  const outcome: Outcome = { ranAtMs: undefined, holder: undefined, error: undefined, endedAtMs: undefined };
  const work = (fence: { check(): void }): Promise<number | undefined> => {
    fence.check();
    outcome.ranAtMs = clock.monotonicMs();
    outcome.holder = leases.get(LEASE.namespace).holderIdentity;
    return Promise.resolve(keptMs);
  };
  withLead(deps(), { lease: LEASE, stopping }, work, signal)
    .catch((error: unknown) => {
      outcome.error = error as Error;
    })
    .finally(() => {
      outcome.endedAtMs = clock.monotonicMs();
    });
  return outcome;
}

async function pass(ms: number, each: (seconds: number) => void = () => undefined): Promise<void> {
  for (let second = 1; second <= ms / 1_000; second++) {
    await clock.advance(1_000);
    each(second);
  }
}

describe('the Lease of a release', () => {
  it('is held while it works, and let go of after', async () => {
    leases.set(LEASE.namespace, heldBy(''));
    const outcome = lead(false);
    await pass(3_000);
    expect(outcome).toMatchObject({ error: undefined, holder: expect.stringMatching(/^release_/) });
    expect(leases.get(LEASE.namespace).holderIdentity).toBe('');
  });

  it('is kept for as long as the work asks for, so that a controller that comes back waits', async () => {
    leases.set(LEASE.namespace, heldBy(''));
    const outcome = lead(false, 20_000);
    await pass(3_000);
    expect(outcome).toMatchObject({ error: undefined, endedAtMs: expect.any(Number) });
    expect(leases.get(LEASE.namespace)).toMatchObject({ holderIdentity: expect.stringMatching(/^release_/), leaseDurationSeconds: 20 });
  });

  it('is made where none was', async () => {
    const outcome = lead(false);
    await pass(3_000);
    expect(outcome.holder).toMatch(/^release_/);
  });

  it('is not taken from a leader that lives, which is seen within seconds', async () => {
    leases.set(LEASE.namespace, heldBy('pod-1'));
    const outcome = lead(false);
    await pass(8_000, (second) => {
      if (second % 2 === 0) leases.set(LEASE.namespace, heldBy('pod-1', second));
    });
    expect(outcome).toMatchObject({ ranAtMs: undefined, endedAtMs: 5_000 });
    expect(outcome.error?.message).toContain('pod-1 leads; a running controller would undo this');
    expect(outcome.error?.message).toContain('--stop-controller');
  });

  it('is taken from a leader that is dead, once its time is over', async () => {
    leases.set(LEASE.namespace, heldBy('pod-1'));
    const outcome = lead(false);
    await pass(40_000);
    expect(outcome.error).toBeUndefined();
    expect(outcome.ranAtMs).toBeGreaterThanOrEqual(5_000 + 15_000);
  });

  it('is waited for when its holder was asked to stop', async () => {
    leases.set(LEASE.namespace, heldBy('pod-1'));
    const outcome = lead(true);
    await pass(30_000, (second) => {
      leases.set(LEASE.namespace, second < 20 ? heldBy('pod-1', second) : heldBy(''));
      if (outcome.ranAtMs !== undefined) expect(second).toBeGreaterThanOrEqual(20);
    });
    expect(outcome.error).toBeUndefined();
    expect(outcome.ranAtMs).toBeLessThanOrEqual(26_000);
  });

  it('is not waited for without end', async () => {
    leases.set(LEASE.namespace, heldBy('pod-1'));
    const outcome = lead(true);
    await pass(70_000, (second) => {
      leases.set(LEASE.namespace, heldBy('pod-1', second % 60));
    });
    expect(outcome.ranAtMs).toBeUndefined();
    expect(outcome.endedAtMs).toBeLessThanOrEqual(61_000);
    expect(outcome.error?.message).toContain('pod-1 leads');
  });

  it('that may not be read ends the command, saying what to do', async () => {
    leases.forbidden = true;
    const outcome = lead(false);
    await pass(1_000);
    expect(outcome.error?.message).toContain('not allowed to read the Lease messenger-operator/messenger-operator');
  });
});

describe('where the Lease is', () => {
  const find = (className = '', namespace?: string) => findLease(deps(), { className, namespace }, signal);

  it('is where it was said to be', async () => {
    leases.forbidden = true;
    expect(await find('blue', 'here')).toEqual({ namespace: 'here', name: 'messenger-operator-blue' });
  });

  it('is looked for, by the class; a held one counts more than one that nobody holds', async () => {
    expect(await find()).toBeUndefined();
    leases.set('old', heldBy(''));
    expect(await find()).toEqual({ ...LEASE, namespace: 'old' });
    leases.set('new', heldBy('pod-1'));
    expect(await find()).toEqual({ ...LEASE, namespace: 'new' });
    expect(await find('blue')).toBeUndefined();
  });

  it('must be said where there are several, or where it may not be looked for', async () => {
    leases.set('a', heldBy('pod-1'));
    leases.set('b', heldBy('pod-2'));
    await expect(find()).rejects.toThrow(
      'there are Leases messenger-operator in a, b: name the namespace of the install with --lease-namespace',
    );
    leases.forbidden = true;
    await expect(find()).rejects.toThrow('--lease-namespace');
  });
});
