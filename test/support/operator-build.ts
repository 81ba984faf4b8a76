import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from './control-plane-process.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const MAIN = join(ROOT, 'dist', 'main.js');
const STAMP = join(ROOT, 'dist', '.built-from');
const LOCK = join(ROOT, 'node_modules', '.operator-build-lock');
const TSC = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
const BUILD_DEADLINE_MS = 180_000;

let built: Promise<string> | undefined;

/** The operator as people run it, `dist/main.js`: built when a source has changed, once a test file, by one process at a time. */
export function builtOperator(): Promise<string> {
  built ??= build();
  return built;
}

async function build(): Promise<string> {
  await lock();
  try {
    const sources = await fingerprint();
    if ((await readFile(STAMP, 'utf8').catch(() => '')) === sources && (await mtimeMs(MAIN)) > 0) return MAIN;
    await rm(STAMP, { force: true });
    const { code, stdout } = await run(process.execPath, [TSC, '-p', join(ROOT, 'tsconfig.build.json')], { deadlineMs: BUILD_DEADLINE_MS });
    if (code !== 0) throw new Error(`the operator does not build:\n${stdout}`);
    await writeFile(STAMP, sources);
    return MAIN;
  } finally {
    await rm(LOCK, { recursive: true, force: true });
  }
}

/** Changes with every change of a source file, of its time at least. */
async function fingerprint(): Promise<string> {
  const files = (await readdir(join(ROOT, 'src'), { recursive: true }))
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join('src', name));
  const hash = createHash('sha256');
  for (const name of [...files, 'tsconfig.json', 'tsconfig.build.json'].sort()) hash.update(`${name} ${await mtimeMs(join(ROOT, name))}\n`);
  return hash.digest('hex');
}

async function mtimeMs(path: string): Promise<number> {
  return stat(path).then(
    ({ mtimeMs: time }) => time,
    () => 0,
  );
}

/** A folder is made by one process alone; one that is older than any build was left behind by a process that was killed. */
async function lock(): Promise<void> {
  for (;;) {
    try {
      await mkdir(LOCK);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const since = await mtimeMs(LOCK);
    if (since > 0 && Date.now() - since > BUILD_DEADLINE_MS) await rm(LOCK, { recursive: true, force: true });
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
