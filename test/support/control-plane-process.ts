import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const GUARD = fileURLToPath(new URL('control-plane-guard.mjs', import.meta.url));
const TAIL_LINES = 25;

/** Ends the servers and removes their folder when this process is gone, however it ended. */
export class ProcessGuard {
  readonly #child: ChildProcess;

  constructor(folder: string) {
    this.#child = spawn(process.execPath, [GUARD, folder], { stdio: ['pipe', 'ignore', 'ignore'] });
    // A guard that died early is no reason to fail a test: it only matters when this process ends
    // badly.
    this.#child.on('error', () => undefined);
    this.#child.stdin?.on('error', () => undefined);
    this.#child.unref();
    (this.#child.stdin as Socket).unref();
  }

  /** `pid` is to be ended with this process. */
  watch(pid: number): void {
    this.#child.stdin?.write(`+${pid}\n`);
  }

  /** `pid` has ended. */
  forget(pid: number): void {
    this.#child.stdin?.write(`-${pid}\n`);
  }

  /** Resolves once the folder is removed and every server still running is ended. */
  async release(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const gone = once(this.#child, 'exit');
    this.#child.ref();
    this.#child.stdin?.end();
    await gone;
  }
}

/** One server program, its output in a file that outlives restarts. */
export class ServerProcess {
  readonly name: string;
  readonly logFile: string;
  readonly #program: string;
  readonly #guard: ProcessGuard;
  #child: ChildProcess | undefined;

  constructor(name: string, program: string, folder: string, guard: ProcessGuard) {
    this.name = name;
    this.logFile = join(folder, `${name}.log`);
    this.#program = program;
    this.#guard = guard;
  }

  get running(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Of the process that was started last; undefined before. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Starts the program; does not wait until it serves. */
  start(args: readonly string[]): void {
    if (this.running) throw new Error(`${this.name} is running already`);
    const log = openSync(this.logFile, 'a');
    const child = spawn(this.#program, args, { stdio: ['ignore', log, log] });
    closeSync(log);
    child.unref();
    child.on('error', () => undefined); // seen as "not running" by the test that waits for it
    const { pid } = child;
    if (pid !== undefined) {
      this.#guard.watch(pid);
      child.once('exit', () => {
        this.#guard.forget(pid);
      });
    }
    this.#child = pid === undefined ? undefined : child;
  }

  /** Asks the program to end, and ends it after `graceMs`. */
  async stop(graceMs = 20_000): Promise<void> {
    await this.#end('SIGTERM', graceMs);
  }

  /** Ends the program as a crash would. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL', 5_000);
  }

  /** Sends the program a signal and does not wait for anything. */
  signal(name: NodeJS.Signals): void {
    this.#child?.kill(name);
  }

  /** The last lines that the program wrote. */
  tail(): string {
    try {
      return readFileSync(this.logFile, 'utf8').trimEnd().split('\n').slice(-TAIL_LINES).join('\n');
    } catch {
      return '(no output)';
    }
  }

  /**
   * Waits until `ready` says true.
   * @throws with the tail of the log, when the program ends or `deadlineMs` pass before.
   */
  async waitUntil(ready: () => Promise<boolean>, deadlineMs: number): Promise<void> {
    const end = performance.now() + deadlineMs;
    while (!(await ready().catch(() => false))) {
      if (!this.running) throw new Error(`${this.name} ended before it was ready; the end of its log:\n${this.tail()}`);
      if (performance.now() > end)
        throw new Error(`${this.name} was not ready within ${deadlineMs} ms; the end of its log:\n${this.tail()}`);
      await new Promise((resolve) => setTimeout(resolve, 40));
    }
  }

  async #end(signal: 'SIGTERM' | 'SIGKILL', graceMs: number): Promise<void> {
    const child = this.#child;
    if (child === undefined || !this.running) return;
    const gone = once(child, 'exit');
    child.ref();
    const timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
    child.kill(signal);
    await gone;
    clearTimeout(timer);
  }
}

/** What a program printed, and its exit code; -1 when a signal ended it. */
export interface Finished {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number;
}

/** How to run a program to its end. */
export interface RunOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  readonly stdin?: string | undefined;
  /** The program is killed after it; a minute if not given. */
  readonly deadlineMs?: number;
}

/**
 * Runs a program to its end; a code other than 0 is an answer, not an error.
 * @throws when it cannot be started.
 */
export async function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  const { env = process.env, cwd, stdin = '', deadlineMs = 60_000 } = options;
  const child = spawn(program, args, { env, cwd, stdio: ['pipe', 'pipe', 'pipe'], timeout: deadlineMs, killSignal: 'SIGKILL' });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  child.stdin.on('error', () => undefined); // it may end without reading what it was given
  child.stdin.end(stdin);
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  return { stdout, stderr: signal === null ? stderr : `${stderr}\nended by ${signal} (deadline ${deadlineMs} ms)`, code: code ?? -1 };
}

/** `count` different ports of the loopback interface that were free a moment ago. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports;
}
