import { stringify } from 'yaml';
import type { ProcessIo } from '../app/context.js';
import { runSimulator } from '../app/simulator.js';
import { ConfigError } from '../config/config-error.js';
import type { ConfigOf } from '../config/flag-table.js';
import { SIMULATOR_USAGE, type SimulatorVerb } from '../config/simulator-usage.js';
import { didYouMean } from '../kit/nearest.js';
import { SIMULATOR_CALLS, type SimulatorCall } from './simulator-verbs.js';

const DEADLINE_MS = 30_000;

/** Runs the simulator, or with a verb talks to a running one. */
export async function simulator(config: ConfigOf<'simulator'>, args: readonly string[], io: ProcessIo): Promise<void> {
  const [word, ...rest] = args;
  if (word === undefined) {
    await runSimulator(config, io);
    return;
  }
  const verb = verbNamed(word);
  const call = checked(() => SIMULATOR_CALLS[verb](rest), `simulator ${SIMULATOR_USAGE[verb].usage}`);
  const answer = await send(config.simulatorUrl, call, io.signal);
  io.stdout.write(config.output === 'json' || typeof answer === 'string' ? jsonText(answer) : stringify(answer));
}

function verbNamed(word: string): SimulatorVerb {
  const verbs = Object.keys(SIMULATOR_USAGE) as SimulatorVerb[];
  const verb = verbs.find((name) => name === word);
  if (verb !== undefined) return verb;
  throw new ConfigError(
    [`"${word}" is no verb of the simulator${didYouMean(word, verbs)}`],
    'messenger-operator simulator --help shows the verbs',
  );
}

function checked<T>(make: () => T, usage: string): T {
  try {
    return make();
  } catch (error) {
    throw new ConfigError([error instanceof Error ? error.message : 'wrong arguments'], `usage: messenger-operator ${usage}`);
  }
}

function jsonText(answer: unknown): string {
  return typeof answer === 'string' ? answer : `${JSON.stringify(answer, null, 2)}\n`;
}

async function send(base: URL, { method, path, body }: SimulatorCall, signal: AbortSignal): Promise<unknown> {
  const url = new URL(`/_sim/${path}`, base);
  const payload = body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  let response: Response;
  try {
    response = await fetch(url, { method, ...payload, signal: AbortSignal.any([signal, AbortSignal.timeout(DEADLINE_MS)]) });
  } catch {
    throw new Error(`no simulator answers at ${base.origin}; is it running? (--simulator-url)`);
  }
  const text = await response.text();
  const json = response.headers.get('content-type')?.includes('json') === true;
  const answer: unknown = json ? JSON.parse(text) : text;
  if (response.ok) return answer;
  const told = typeof answer === 'object' && answer !== null && 'error' in answer ? String(answer.error) : `status ${response.status}`;
  throw new Error(`the simulator refuses: ${told}`);
}
