import { describe, expect, it } from '@jest/globals';
import type { KubeObject } from '../../../src/api/meta.js';
import type { Cluster } from '../../../src/runtime/cluster.js';
import { runProcess } from '../../../src/app/run-process.js';
import type { Listener } from '../../../src/app/listener.js';
import type { ProcessContext } from '../../../src/app/context.js';
import { systemClock } from '../../../src/kit/clock.js';
import { silentLogger } from '../../../src/kit/log.js';
import { Redactor } from '../../../src/core/secrets/redact.js';
import { Metrics } from '../../../src/observability/metrics.js';
import type { DataCache } from '../../../src/runtime/ports.js';
import { Store } from '../../../src/runtime/store.js';
import { eventually } from '../../support/eventually.js';

const nothing = (): void => undefined;
const noData: DataCache = {
  hasSynced: () => true,
  ageMs: () => 0,
  peek: () => ({ kind: 'absent' }),
  read: () => Promise.resolve({ kind: 'absent' }),
  retain: nothing,
  subscribe: () => nothing,
};

function setUp() {
  const steps: string[] = [];
  const stopping = new AbortController();
  const lost = new AbortController();
  const state = { synced: false, adminPort: 0 };
  const info = (message: string, fields: { part?: string; port?: number } = {}): void => {
    steps.push(`log ${message}${fields.part === undefined ? '' : ` ${fields.part}`}`);
    if (fields.part === 'admin') state.adminPort = fields.port ?? 0;
  };
  const context: ProcessContext = {
    log: { ...silentLogger, info, close: () => Promise.resolve() },
    redactor: new Redactor(),
    learn: nothing,
    forget: nothing,
    metrics: new Metrics('test'),
    clock: systemClock,
    signal: stopping.signal,
    version: 'test',
  };
  const kind = { informer: new Store<KubeObject>({ clock: systemClock }), live: {}, status: {}, finalizers: {} };
  const cluster = {
    ...{
      kind: () => kind,
      services: undefined,
      namespaces: undefined,
      secrets: noData,
      configMaps: undefined,
      events: {},
      fence: {},
    },
    start: (signal: AbortSignal) => {
      steps.push('watch');
      signal.addEventListener('abort', () => steps.push('watch ends'));
    },
    unsynced: () => (state.synced ? [] : ['pages: not listed yet']),
    degraded: () => [],
    lead: async (work: (signal: AbortSignal) => Promise<void>, signal: AbortSignal) => {
      steps.push('lead');
      await work(AbortSignal.any([signal, lost.signal]));
      steps.push('lead ends');
      if (lost.signal.aborted) throw new Error('the lease was lost');
    },
    close: () => {
      steps.push('cluster closed');
      return Promise.resolve();
    },
  } as unknown as Cluster;
  const listener: Listener = {
    name: 'part',
    ready: () => true,
    listen: () => {
      steps.push('listen');
      return Promise.resolve(1);
    },
    drain: async (timeoutMs) => {
      steps.push(`drain ${timeoutMs} ready=${(await fetch(`http://127.0.0.1:${state.adminPort}/readyz`)).status}`);
    },
    close: () => {
      steps.push('closed');
      return Promise.resolve();
    },
  };
  const work = async (signal: AbortSignal): Promise<void> => {
    steps.push('work');
    await new Promise<void>((resolve) => {
      signal.addEventListener('abort', () => {
        resolve();
      });
    });
    steps.push('work ends');
  };
  const config = { className: '', bindAddress: '127.0.0.1', adminPort: 0, drainTimeoutMs: 7 };
  const run = runProcess({ config, context, cluster, roles: ['webhook'], listeners: [listener], work, metrics: undefined, debug: {} });
  const readyz = async (): Promise<number> => (await fetch(`http://127.0.0.1:${state.adminPort}/readyz`)).status;
  const readyText = async (): Promise<string> => (await fetch(`http://127.0.0.1:${state.adminPort}/readyz`)).text();
  return { steps, state, stopping, lost, run, readyz, readyText };
}

describe('runProcess', () => {
  it('starts and stops in the one order', async () => {
    const { steps, state, stopping, run, readyz, readyText } = setUp();
    await eventually(async () => (await readyz()) === 503);
    expect(await readyText()).toBe('not ready:\n  - starting\n  - pages: not listed yet\n');
    expect(steps).toEqual(['log starting', 'log listening admin', 'watch']);
    state.synced = true;
    await eventually(async () => (await readyz()) === 200);
    await eventually(() => steps.includes('work'));
    stopping.abort();
    await run;

    expect(steps.slice(3)).toEqual([
      ...['listen', 'log listening part', 'log ready', 'lead', 'work'],
      ...['log stopping', 'drain 7 ready=503', 'work ends', 'lead ends', 'watch ends', 'closed', 'cluster closed', 'log stopped'],
    ]);
  });

  it('stops without listening when it is asked to before it is synced', async () => {
    const { steps, stopping, run } = setUp();
    await eventually(() => steps.includes('watch'));
    stopping.abort();
    await run;
    expect(steps).not.toContain('listen');
    expect(steps).not.toContain('work');
    expect(steps).toContain('cluster closed');
  });

  it('stops in order and fails when the lead is lost', async () => {
    const { steps, state, lost, run } = setUp();
    state.synced = true;
    await eventually(() => steps.includes('work'));
    lost.abort();
    await expect(run).rejects.toThrow('the lease was lost');
    expect(steps.slice(-6)).toEqual(['log stopping', 'drain 7 ready=503', 'watch ends', 'closed', 'cluster closed', 'log stopped']);
  });
});
