#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { main } from './cli/main.js';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { readonly version: string };
const stop = new AbortController();
let crash: ((error: unknown) => Promise<void>) | undefined;

for (const name of ['SIGTERM', 'SIGINT'] as const) {
  process.on(name, () => {
    // Asked a second time: whoever asks does not want to wait for the drain.
    if (stop.signal.aborted) process.exit(1);
    stop.abort(new Error(`stopped by ${name}`));
  });
}
for (const name of ['unhandledRejection', 'uncaughtException'] as const) {
  process.on(name, (error) => {
    void (crash?.(error) ?? Promise.resolve()).finally(() => process.exit(1));
  });
}

const code = await main(process.argv.slice(2), process.env, {
  version,
  signal: stop.signal,
  stdout: process.stdout,
  stderr: process.stderr,
  onCrash: (report) => (crash = report),
});
process.exit(code);
