import { stringify } from 'yaml';
import { kindNamed } from '../api/kinds.js';
import { openContext, type ProcessIo } from '../app/context.js';
import { runRelease } from '../release/release.js';
import { notFreed, type ReleasedObject, type ReleaseReport } from '../release/report.js';
import { ConfigError } from '../config/config-error.js';
import type { ConfigOf } from '../config/flag-table.js';
import { cell, table } from './table.js';

type Config = ConfigOf<'release'>;

/**
 * `release [NAME…]`: frees finalizers by hand, and says for each object what was done.
 * @throws ConfigError for arguments that contradict each other, Error when something could not be
 * freed
 */
export async function release(config: Config, names: readonly string[], io: ProcessIo): Promise<void> {
  const problems = scopeProblems(config, names);
  if (problems.length > 0) throw new ConfigError(problems, 'messenger-operator release --help shows the flags');
  const report = await reported(config, names, io);
  io.stdout.write(shown(config, report));
  for (const note of report.notes) io.stderr.write(`${note}\n`);
  const failed = [...notFreed(report), ...report.objects.filter((object) => names.length > 0 && wasRefused(object))];
  if (failed.length === 0) return;
  throw new Error(`${failed.length} of ${report.objects.length} could not be freed; the last column says why and how to mend it`);
}

async function reported(config: Config, names: readonly string[], io: ProcessIo): Promise<ReleaseReport> {
  const context = openContext(config, io);
  try {
    return await runRelease(config, names, context);
  } finally {
    await context.log.close();
  }
}

function scopeProblems({ all, allNamespaces, namespace }: Config, names: readonly string[]): readonly string[] {
  if (names.length > 0 && (all || allNamespaces)) return ['release takes either names or --all and --all-namespaces'];
  if (names.length === 0 && !all && !allNamespaces && namespace === undefined) {
    return ['release needs to know what to free: names, -n NAMESPACE, --all-namespaces, or --all before an uninstall'];
  }
  const bad = names.filter((name) => !/^([a-z]+\/)?[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/.test(name));
  return bad.map((name) => `${JSON.stringify(name.slice(0, 100))} is not a name of an object`);
}

/** Skipped although it has something to free. */
function wasRefused({ why }: ReleasedObject): boolean {
  return why !== undefined && why !== 'NoFinalizer';
}

function shown({ output, dryRun }: Config, { objects, notes }: ReleaseReport): string {
  const document = { dryRun, objects, notes };
  if (output === 'json') return `${JSON.stringify(document, null, 2)}\n`;
  if (output === 'yaml') return stringify(document);
  if (objects.length === 0) return 'Nothing to free.\n';
  const headings = ['NAMESPACE', 'OBJECT', 'PAGE-ID', 'FINALIZER', 'GRAPH', 'NOTE'];
  const rows = objects.map(({ kind, namespace, name, pageId, finalizer, graph, message }) => [
    cell(namespace),
    `${kindNamed(kind)?.shortNames[0] ?? kind}/${name}`,
    cell(pageId),
    finalizer,
    cell(graph),
    message === '' ? '' : cell(message),
  ]);
  return `${table(headings, rows)}\n`;
}
