import type { RunningFault } from '../../support/fault-proxy.js';
import { statusBody, type Fault } from '../../support/fault-proxy-rules.js';
import type { FaultCase } from './fault-case.js';
import type { FaultWorld } from './fault-world.js';
import { ruleOf, type Watcher } from './kinds.js';

interface ProxyFault {
  readonly name: string;
  readonly fault: Fault;
  readonly watches?: boolean;
  /** What each watch that meets it has to count. */
  readonly events: readonly string[];
}

const TOO_LARGE = { details: { causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }] } };

/** Those that a watch notices at once, or with its next line. */
export const LOUD: readonly ProxyFault[] = [
  { name: 'cut', fault: { kind: 'cut' }, events: ['watch_failed', 'list'] },
  { name: 'reset', fault: { kind: 'reset' }, events: ['watch_failed', 'list'] },
  { name: 'delay of 1 s', fault: { kind: 'delay', ms: 1_000 }, events: ['event'] },
  { name: '429 with Retry-After', fault: status(429, 'TooManyRequests', {}, 2), events: ['error_event', 'list_failed'] },
  { name: '500', fault: status(500, 'InternalError'), events: ['error_event', 'list_failed'] },
  { name: '503', fault: status(503, 'ServiceUnavailable'), events: ['error_event', 'list_failed'] },
  { name: '504 ResourceVersionTooLarge', fault: status(504, 'Timeout', TOO_LARGE), watches: true, events: ['expired', 'list'] },
  { name: '410', fault: status(410, 'Expired'), watches: true, events: ['expired', 'list'] },
  // It is a reset only where something newer than the list had been seen, a bookmark at least: not
  // on every watch in every run.
  { name: 'an older list replayed', fault: { kind: 'replay' }, events: ['list'] },
  { name: 'lines doubled', fault: { kind: 'duplicate' }, events: ['event'] },
  { name: 'lines re-ordered', fault: { kind: 'reorder' }, events: ['bad_line', 'list'] },
];

/** Those that only the lack of bookmarks tells, after 75 s. */
export const SILENT: readonly ProxyFault[] = [
  { name: 'half-open', fault: { kind: 'half-open' }, events: ['silent', 'list'] },
  { name: 'stalled in a line', fault: { kind: 'stall' }, events: ['silent', 'list'] },
  { name: 'lines swallowed', fault: { kind: 'swallow' }, events: ['silent', 'list'] },
];

/** One fault for these watches. */
export function proxyCase(faults: FaultWorld, one: ProxyFault, watchers: readonly Watcher[], duringMs: number): FaultCase {
  return together(faults, [{ one, watchers }], duringMs);
}

/** Several faults, each for other watches, at the same time. */
export function together(
  faults: FaultWorld,
  shares: readonly { readonly one: ProxyFault; readonly watchers: readonly Watcher[] }[],
  duringMs: number,
): FaultCase {
  return {
    parts: shares.map(({ one: { name, events }, watchers }) => ({ name, watchers, events })),
    duringMs,
    begin: () => {
      const running = shares.flatMap(({ one, watchers }) => watchers.map((watcher) => ({ watcher, fault: inject(faults, one, watcher) })));
      return Promise.resolve(() => {
        for (const { fault } of running) fault.heal();
        const unmet = running.filter(({ fault }) => fault.met.size === 0).map(({ watcher }) => `${watcher.role} ${watcher.kind}`);
        if (unmet.length > 0)
          throw new Error(`these never met the fault: ${unmet.join(', ')}; open are ${faults.proxy.watches.join(', ')}`);
      });
    },
  };
}

function inject({ proxy }: FaultWorld, { fault, watches }: ProxyFault, watcher: Watcher): RunningFault {
  return proxy.inject({ fault, ...ruleOf(watcher), ...(watches === undefined ? {} : { watches }) });
}

function status(code: number, reason: string, more: Readonly<Record<string, unknown>> = {}, retryAfterSeconds?: number): Fault {
  const body = statusBody(code, reason, more);
  return { kind: 'status', code, body, ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }) };
}
