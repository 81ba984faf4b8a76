// Installs the example bot with its own lockfile, once. Scripts stay off: Bottender's ngrok dependency would download a binary.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('../examples/bottender', import.meta.url));
const lock = join(folder, 'package-lock.json');
const stamp = join(folder, 'node_modules', '.installed-from');

if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== readFileSync(lock, 'utf8')) {
  console.error('installing the example bot (Bottender 1.5.5 and what it needs), once: about half a minute');
  const { status, stdout, stderr } = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: folder,
    encoding: 'utf8',
  });
  if (status !== 0) {
    console.error(`npm ci in examples/bottender failed:\n${stdout}${stderr}`);
    process.exit(1);
  }
  copyFileSync(lock, stamp);
}
