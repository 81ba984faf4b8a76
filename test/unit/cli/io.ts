import { Writable } from 'node:stream';
import type { ProcessIo } from '../../../src/app/context.js';
import { type ExitCode, run } from '../../../src/cli/run.js';
import type { Environment } from '../../../src/config/config.js';
import { systemClock } from '../../../src/kit/clock.js';

class Text extends Writable {
  text = '';

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

export interface Ran {
  readonly code: ExitCode;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command that was started and goes on until it is asked to stop. */
export interface Running {
  readonly ended: Promise<Ran>;
  readonly stdout: () => string;
  readonly stderr: () => string;
  stop(): void;
}

export function start(argv: readonly string[], env: Environment = {}): Running {
  const [stdout, stderr, stopping] = [new Text(), new Text(), new AbortController()];
  const io: ProcessIo = { stdout, stderr, clock: systemClock, signal: stopping.signal, version: '1.2.3', onCrash: () => undefined };
  return {
    ended: run(argv, env, io).then((code) => ({ code, stdout: stdout.text, stderr: stderr.text })),
    stdout: () => stdout.text,
    stderr: () => stderr.text,
    stop: () => {
      stopping.abort();
    },
  };
}

/** Runs a command to its end. */
export function command(argv: readonly string[], env: Environment = {}): Promise<Ran> {
  return start(argv, env).ended;
}
