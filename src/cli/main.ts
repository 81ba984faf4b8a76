import type { ProcessIo } from '../app/context.js';
import type { Environment } from '../config/config.js';
import { systemClock } from '../kit/clock.js';
import { Redactor } from '../core/secrets/redact.js';
import { type ExitCode, run } from './run.js';

/** Runs a command line in this process, on the machine's own clock. Resolves with the exit code. */
export function main(argv: readonly string[], env: Environment, io: Omit<ProcessIo, 'clock'>): Promise<ExitCode> {
  // Until a command has set up its log: in words, and without what looks like a secret.
  io.onCrash((error) => {
    const message = error instanceof Error ? error.message : String(error);
    io.stderr.write(`messenger-operator: ${new Redactor({ max: 4_096 }).text(message)}\n`);
    return Promise.resolve();
  });
  return run(argv, env, { ...io, clock: systemClock });
}
