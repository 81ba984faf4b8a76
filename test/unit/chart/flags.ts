import { parseCommandLine } from '../../../src/config/config.js';

const POD = { KUBERNETES_SERVICE_HOST: '10.0.0.1' };
const EVERY_FILE = { readable: () => true, isDirectory: () => true };

/**
 * What the operator itself reads from a container's arguments, as in a Pod where every mounted file
 * is there. @throws ConfigError
 */
export function readConfigOf(args: readonly string[]): Readonly<Record<string, unknown>> {
  const line = parseCommandLine(args, POD, EVERY_FILE);
  if (line.kind !== 'run') throw new Error(`${args.join(' ')} runs nothing`);
  return line.config;
}
