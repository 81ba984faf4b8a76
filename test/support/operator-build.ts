import { createHash } from 'node:crypto';
import { cp, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from './control-plane-process.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const TSC = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
/**
 * Under node_modules, so that Node finds the packages from there; not `dist`, which another process
 * may be writing.
 */
const BUILDS = join(ROOT, 'node_modules', '.cache', 'operator-under-test');
const BUILD_DEADLINE_MS = 180_000;
const KEPT_MS = 3_600_000;

let built: Promise<string> | undefined;

/**
 * Path of the operator's `main.js`, of the sources as they are now: built once for each state of
 * them, then found again.
 */
export function builtOperator(): Promise<string> {
  built ??= build();
  return built;
}

async function build(): Promise<string> {
  const folder = join(BUILDS, await fingerprint());
  const main = join(folder, 'dist', 'main.js');
  if ((await mtimeMs(main)) > 0) return main;
  await removeOld();
  const aside = `${folder}.${process.pid}`;
  await mkdir(aside, { recursive: true });
  const { code, stdout } = await run(process.execPath, [TSC, '-p', join(ROOT, 'tsconfig.build.json'), '--outDir', join(aside, 'dist')], {
    deadlineMs: BUILD_DEADLINE_MS,
  });
  if (code !== 0) throw new Error(`the operator does not build:\n${stdout}`);
  for (const name of ['package.json', 'crds']) await cp(join(ROOT, name), join(aside, name), { recursive: true });
  // A second process finds the same files there already.
  await rename(aside, folder).catch(() => rm(aside, { recursive: true, force: true }));
  return main;
}

/** Changes with every change of a source file, of its time at least. */
async function fingerprint(): Promise<string> {
  const inside = async (folder: string): Promise<string[]> =>
    (await readdir(join(ROOT, folder), { recursive: true })).filter((name) => /\.(ts|yaml)$/.test(name)).map((name) => join(folder, name));
  const files = [...(await inside('src')), ...(await inside('crds')), 'package.json', 'tsconfig.json', 'tsconfig.build.json'];
  const hash = createHash('sha256');
  for (const name of files.sort()) hash.update(`${name} ${await mtimeMs(join(ROOT, name))}\n`);
  return hash.digest('hex').slice(0, 16);
}

async function removeOld(): Promise<void> {
  for (const name of await readdir(BUILDS).catch(() => [])) {
    const path = join(BUILDS, name);
    if (Date.now() - (await mtimeMs(path)) > KEPT_MS) await rm(path, { recursive: true, force: true });
  }
}

/** 0 where there is nothing. */
async function mtimeMs(path: string): Promise<number> {
  return stat(path).then(
    ({ mtimeMs: time }) => time,
    () => 0,
  );
}
