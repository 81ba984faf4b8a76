// Installs the Graph clients of others with their own lockfile, once, for test/clients. Nothing of theirs is run.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('../test/clients', import.meta.url));
const lock = join(folder, 'package-lock.json');
const stamp = join(folder, 'node_modules', '.installed-from');

if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== readFileSync(lock, 'utf8')) {
  console.error('installing the Graph clients that the simulator is held against, once: some seconds');
  const { status, stdout, stderr } = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: folder,
    encoding: 'utf8',
  });
  if (status !== 0) {
    console.error(`npm ci in test/clients failed:\n${stdout}${stderr}`);
    process.exit(1);
  }
  copyFileSync(lock, stamp);
}
