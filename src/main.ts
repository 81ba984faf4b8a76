#!/usr/bin/env node
import { readFileSync } from 'node:fs';

const { version, engines } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  readonly version: string;
  readonly engines: { readonly node: string };
};
endOnOldNode(engines.node);

// Node's own handler opens the inspector, and with it every secret, to any process that reaches its
// port.
process.on('SIGUSR1', () => undefined);

const stop = new AbortController();
let crash: ((error: unknown) => Promise<void>) | undefined;

for (const name of ['SIGTERM', 'SIGINT'] as const) {
  process.on(name, () => {
    // Asked a second time: do not wait for the drain.
    if (stop.signal.aborted) process.exit(1);
    stop.abort(new Error(`stopped by ${name}`));
  });
}
for (const name of ['unhandledRejection', 'uncaughtException'] as const) {
  process.on(name, (error) => {
    void (crash?.(error) ?? Promise.resolve()).finally(() => process.exit(1));
  });
}

// Loaded only now: on an older Node the packages fail while they are loaded, and say nothing of
// use.
const { main } = await import('./cli/main.js');
const code = await main(process.argv.slice(2), process.env, {
  version,
  signal: stop.signal,
  stdout: process.stdout,
  stderr: process.stderr,
  onCrash: (report) => (crash = report),
});
process.exit(code);

/** `wanted` is `>=MAJOR.MINOR`. Exit code 2, as for any other setting that is wrong. */
function endOnOldNode(wanted: string): void {
  const [, needMajor = 0, needMinor = 0] = (/^>=(\d+)\.(\d+)/.exec(wanted) ?? []).map(Number);
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > needMajor || (major === needMajor && minor >= needMinor)) return;
  process.stderr.write(
    `messenger-operator: this is Node ${process.versions.node}, and it takes ${needMajor}.${needMinor} or newer: ` +
      `install a newer one, or run it through npm, which brings Node 24\n`,
  );
  process.exit(2);
}
