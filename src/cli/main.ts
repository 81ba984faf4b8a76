import type { ProcessIo } from '../app/context.js';
import type { Environment } from '../config/config.js';
import { Redactor } from '../core/secrets/redact.js';
import { systemClock } from '../kit/clock.js';
import { Output } from './output.js';
import { type ExitCode, run } from './run.js';

/**
 * Runs a command line in this process, on the machine's own clock. Resolves with the exit code once
 * all output has been written: the process may exit then. Output that was lost (a full disk) makes
 * the code 1.
 */
export async function main(argv: readonly string[], env: Environment, io: Omit<ProcessIo, 'clock'>): Promise<ExitCode> {
  const stdout = new Output(io.stdout);
  const stderr = new Output(io.stderr);
  // Until a command has set up its log: one line, without what looks like a secret.
  io.onCrash(async (error) => {
    const message = error instanceof Error ? error.message : String(error);
    io.stderr.write(`messenger-operator: ${new Redactor({ max: 4_096 }).text(message)}\n`);
    await stderr.flushed(AbortSignal.abort());
  });
  const code = await run(argv, env, { ...io, clock: systemClock });
  const lost = await stdout.flushed(io.signal);
  if (lost !== undefined) io.stderr.write(`messenger-operator: cannot write the output: ${lost.message}\n`);
  await stderr.flushed(io.signal);
  return lost !== undefined && code === 0 ? 1 : code;
}
