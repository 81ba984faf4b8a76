// The built operator: its program, its flags, and the files with secrets that it and the bots read.
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
export const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

/** Short times, so that the story fits into a minute; the defaults are minutes and hours. */
export function controllerFlags(simUrl, broken) {
  const interval = broken === 'repair' ? '24h' : '2s';
  return ['--graph-url', simUrl, '--interval', interval, '--min-interval', '1s', '--log-format', 'text', '--log-level', 'debug'];
}

/** Writes a secret value to a file that only this user can read. */
export function secretFile(folder, name, value) {
  mkdirSync(join(folder, 'keys'), { recursive: true, mode: 0o700 });
  const file = join(folder, 'keys', name);
  writeFileSync(file, value, { mode: 0o600 });
  return file;
}

export const newKey = () => randomBytes(24).toString('base64url');

/** Runs one command of the operator. */
export const runCli = (args, env = {}) => run(process.execPath, [MAIN, ...args], { env: { ...process.env, ...env } });
