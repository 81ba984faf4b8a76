import type { ProcessIo } from '../app/io.js';
import { type Environment, type Invocation, parseCommandLine } from '../config/config.js';
import { ConfigError } from '../config/config-error.js';
import { Redactor } from '../core/secrets/redact.js';
import { controller } from './controller.js';
import { get } from './get.js';
import { pagesApi } from './pages-api.js';
import { release } from './release.js';
import { simulator } from './simulator.js';
import { standalone } from './standalone.js';
import { webhook } from './webhook.js';

/** What the process ends with: 0 a clean stop, 1 a failure at run time, 2 a configuration that makes no sense. */
export type ExitCode = 0 | 1 | 2;

const MAX_TOLD = 4_096;

/** Runs what the command line asks for. Never rejects: what goes wrong is told on standard error, in words. */
export async function run(argv: readonly string[], env: Environment, io: ProcessIo): Promise<ExitCode> {
  try {
    const asked = parseCommandLine(argv, env);
    if (asked.kind === 'help') io.stdout.write(asked.text);
    else if (asked.kind === 'version') io.stdout.write(`messenger-operator ${io.version}\n`);
    else await start(asked, io);
    return 0;
  } catch (error) {
    io.stderr.write(`messenger-operator: ${tell(error)}\n`);
    return error instanceof ConfigError ? 2 : 1;
  }
}

function start(asked: Invocation, io: ProcessIo): Promise<void> {
  switch (asked.command) {
    case 'controller':
      return controller(asked.config, io);
    case 'webhook':
      return webhook(asked.config, io);
    case 'pages-api':
      return pagesApi(asked.config, io);
    case 'standalone':
      return standalone(asked.config, io);
    case 'simulator':
      return simulator(asked.config, asked.args, io);
    case 'get':
      return get(asked.config, asked.args, io);
    case 'release':
      return release(asked.config, asked.args, io);
  }
}

/** The message without a stack. What comes from elsewhere is redacted; our own lists of problems keep their lines. */
function tell(error: unknown): string {
  if (error instanceof ConfigError) return error.message;
  const message = error instanceof Error ? error.message : String(error);
  return new Redactor({ max: MAX_TOLD }).text(message);
}
