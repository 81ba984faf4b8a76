import { execFileSync, fork, type ChildProcess, type Serializable } from 'node:child_process';
import { once } from 'node:events';
import { typescript } from './fleet.js';

export interface Usage {
  readonly rssMb: number;
  /** The most that it ever had, in MiB. */
  readonly maxRssMb: number;
  readonly cpuMs: number;
  readonly unverifiedBytes: number;
  /** Of its event loop since it was last asked. */
  readonly loopMaxMs: number;
}

/**
 * A process of this folder that is talked to over its channel, on a core of its own where there are
 * two.
 */
export class Peer {
  readonly #child: ChildProcess;

  constructor(file: string, options: unknown, core: number) {
    const [flag = '', name = '', hooks = '', path = '', json = ''] = typescript(file, options);
    this.#child = fork(path, [json], { execArgv: [flag, name, hooks], stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    pin(this.#child.pid ?? 0, core);
  }

  /** Its next message. */
  async next<T>(): Promise<T> {
    const [message] = (await once(this.#child, 'message')) as [T];
    return message;
  }

  ask<T>(message: Serializable): Promise<T> {
    const answer = this.next<T>();
    this.#child.send(message);
    return answer;
  }

  async stop(): Promise<void> {
    const gone = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await gone;
  }
}

/**
 * Keeps a process on one core, where the system lets it: what is measured is that process and not
 * who runs beside it.
 */
export function pin(pid: number, core: number): void {
  try {
    execFileSync('taskset', ['-a', '-p', '-c', String(core), String(pid)], { stdio: 'ignore' });
  } catch {
    // One core, or no such program.
  }
}
