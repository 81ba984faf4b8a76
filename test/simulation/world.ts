import { ApiServer } from './api-server.js';
import type { Bug } from './bugs.js';
import { GraphModel } from './graph-model.js';
import { Host } from './host.js';
import { Oracle } from './oracle.js';
import { Process } from './process.js';
import { Random } from './random.js';
import { Reader } from './reader.js';
import { VirtualClock } from './virtual-clock.js';

export interface WorldOptions {
  readonly seed: number;
  readonly bug?: Bug | undefined;
  /** Takes a line a step; for a seed that fails. */
  readonly tell?: ((line: string) => void) | undefined;
  /** Nothing goes wrong but what this says of each call of each process. */
  readonly fate?: ((host: Host) => 'before' | 'applied' | undefined) | undefined;
}

const RESTART_MS = [500, 5_000] as const;

/** A cluster, Graph, and the replicas of the controller on them. */
export class World {
  readonly bug: Bug | undefined;
  readonly clock = new VirtualClock();
  readonly startMs = this.clock.nowMs();
  readonly random: Random;
  readonly server: ApiServer;
  readonly graph = new GraphModel(this.clock);
  readonly oracle: Oracle;
  readonly processes = new Set<Process>();
  /** Replicas of the webhook. */
  readonly readers: readonly Reader[];
  /** After each of its writes the caches of a process go on showing what was. */
  readonly staleAfterWrite: boolean;
  readonly #tell: ((line: string) => void) | undefined;
  readonly #fate: WorldOptions['fate'];
  #started = 0;
  /** Faults may happen; false once the world is to come to rest. */
  chaos: boolean;
  /** When something last stood in the way of the controllers besides lost requests. */
  lastTroubleMs = -Infinity;
  longestPauseMs = 0;
  /**
   * Times that a process began to lead, and those at which another one still believed that it did.
   */
  leaders = 0;
  overlaps = 0;
  /** Passes of each kind at work at once. */
  readonly workers: number;
  /** What Graph says of its limits: by how much checks are stretched. */
  readonly pressure: number;
  /** `--read-only` */
  readonly readOnly: boolean;
  /** Whether a webhook would answer Meta's verification. */
  publicReady = true;
  /** Since when it is so. */
  publicReadySinceMs = 0;

  constructor({ seed, bug, tell, fate }: WorldOptions) {
    this.bug = bug;
    this.#tell = tell;
    this.#fate = fate;
    this.chaos = fate === undefined;
    this.random = new Random(seed);
    this.server = new ApiServer(this.clock, `s${seed}`);
    this.oracle = new Oracle(this);
    this.staleAfterWrite = this.chaos && this.random.chance(0.35);
    this.workers = this.random.pick([1, 2, 4]);
    this.pressure = this.chaos && this.random.chance(0.1) ? 2 : 1;
    this.readOnly = this.chaos && this.random.chance(0.04);
    this.readers = [new Reader(this, 1), new Reader(this, 2)];
  }

  trace(who: string, what: string, more?: unknown): void {
    if (this.#tell === undefined) return;
    const text = more === undefined ? '' : ` ${typeof more === 'string' ? more : JSON.stringify(more)}`;
    this.#tell(`${String(this.clock.monotonicMs()).padStart(8)} ${who}: ${what}${text}`);
  }

  setPublicReady(ready: boolean): void {
    this.publicReady = ready;
    this.publicReadySinceMs = this.clock.monotonicMs();
  }

  trouble(forMs = 0): void {
    this.lastTroubleMs = Math.max(this.lastTroubleMs, this.clock.monotonicMs() + forMs);
  }

  get leader(): Process | undefined {
    return [...this.processes].find(({ leads }) => leads);
  }

  begunToLead(process: Process): void {
    this.trace(process.host.name, 'leads');
    this.leaders += 1;
    if ([...this.processes].some((other) => other !== process && other.leads)) this.overlaps += 1;
  }

  /** A replica, which is started anew whenever it ends. */
  startProcess(): void {
    this.#started += 1;
    const host = new Host(`controller-${this.#started}`, this.clock, new Random(this.random.between(1, 1_000_000_000)));
    host.slow = this.chaos && this.random.chance(0.7);
    host.fate = () => this.#fate?.(host);
    const process = new Process(host, this);
    this.processes.add(process);
    this.trace(host.name, 'starts');
    const ended = (): void => {
      if (!this.processes.delete(process)) return;
      this.trace(host.name, 'ends');
      this.trouble();
      this.oracle.processEnded(host);
      this.clock.setTimer(this.random.between(...RESTART_MS), () => {
        this.startProcess();
      });
    };
    host.onCrash(ended);
    void process.run().then(() => {
      host.crash();
      ended();
    });
  }
}
