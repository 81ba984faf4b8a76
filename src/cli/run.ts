import type { ProcessIo } from '../app/context.js';
import { runController } from '../app/controller.js';
import { runPagesApi } from '../app/pages-api.js';
import { runStandalone } from '../app/standalone.js';
import { runWebhook } from '../app/webhook.js';
import { type Environment, type Invocation, parseCommandLine } from '../config/config.js';
import { ConfigError } from '../config/config-error.js';
import { Redactor } from '../core/secrets/redact.js';
import { get } from './get.js';
import { release } from './release.js';
import { simulator } from './simulator.js';

/**
 * What the process ends with: 0 a clean stop, 1 a failure at run time, 2 an invalid configuration.
 */
export type ExitCode = 0 | 1 | 2;

const MAX_ERROR_TEXT = 4_096;

/**
 * Runs the command that the command line names. Never rejects: what goes wrong is written to
 * standard error.
 */
export async function run(argv: readonly string[], env: Environment, io: ProcessIo): Promise<ExitCode> {
  try {
    const invocation = parseCommandLine(argv, env);
    if (invocation.kind === 'help') io.stdout.write(invocation.text);
    else if (invocation.kind === 'version') io.stdout.write(`messenger-operator ${io.version}\n`);
    else await start(invocation, io);
    return 0;
  } catch (error) {
    io.stderr.write(`messenger-operator: ${messageOf(error)}\n`);
    return error instanceof ConfigError ? 2 : 1;
  }
}

function start(invocation: Invocation, io: ProcessIo): Promise<void> {
  switch (invocation.command) {
    case 'controller':
      return runController(invocation.config, io);
    case 'webhook':
      return runWebhook(invocation.config, io);
    case 'pages-api':
      return runPagesApi(invocation.config, io);
    case 'standalone':
      return runStandalone(invocation.config, io);
    case 'simulator':
      return simulator(invocation.config, invocation.args, io);
    case 'get':
      return get(invocation.config, invocation.args, io);
    case 'release':
      return release(invocation.config, invocation.args, io);
  }
}

/**
 * The message without a stack. What comes from elsewhere is redacted; our own lists of problems
 * keep their lines.
 */
function messageOf(error: unknown): string {
  if (error instanceof ConfigError) return error.message;
  const message = error instanceof Error ? error.message : String(error);
  return new Redactor({ max: MAX_ERROR_TEXT }).text(message);
}
