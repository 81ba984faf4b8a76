#!/usr/bin/env node
// Finds, or builds once, the programs that the integration and chart tests run:
// kube-apiserver, etcd, kube-controller-manager and kubectl (one Go program with
// four names) and helm. Plain Node 18 or newer, no dependencies: it runs before
// `npm ci` as well as after it.
//
//   node test/controlplane/build.mjs                  builds what is missing, prints the cache folder as last line
//   node test/controlplane/build.mjs --only helm      only helm; or: --only apiserver
//   node test/controlplane/build.mjs --where          builds nothing, prints a JSON object of paths, null for what is absent
//
// TEST_KUBECONFIG (a running cluster) or KUBEBUILDER_ASSETS (a folder with etcd and
// kube-apiserver) make the long build needless. MESSENGER_TEST_CACHE moves the cache.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const HERE = dirname(fileURLToPath(import.meta.url));
const LINKS = ['kube-apiserver', 'etcd', 'kube-controller-manager', 'kubectl'];
const SOURCES = ['go.mod', 'go.sum', 'main.go', 'helm/main.go'];
/** The oldest helm of the machine that is taken instead of our own. */
const OLDEST_HELM = [3, 14];
const LOCK_WAIT_MS = 45 * 60_000;
const HEARTBEAT_MS = 120_000;
const ERROR_LINES = 25;
/** Results that no run has asked for in this time are removed by the next build: each takes 200 MB. */
const KEEP_UNUSED_MS = 30 * 24 * 60 * 60_000;

class Failure extends Error {}

const say = (line) => process.stderr.write(`controlplane: ${line}\n`);

function parseArguments(args) {
  const [flag, value, ...rest] = args;
  if (flag === undefined) return { where: false, only: null };
  if (flag === '--where' && value === undefined) return { where: true, only: null };
  if (flag === '--only' && (value === 'helm' || value === 'apiserver') && rest.length === 0) return { where: false, only: value };
  throw new Failure('usage: node test/controlplane/build.mjs [--only helm|apiserver | --where]');
}

/** The toolchain's version and target, as `go` itself tells them in this folder; null without Go. */
function goToolchain() {
  const result = spawnSync('go', ['env', 'GOVERSION', 'GOOS', 'GOARCH'], { cwd: HERE, encoding: 'utf8' });
  if (result.error?.code === 'ENOENT') return null;
  if (result.status !== 0) throw new Failure(`go env failed: ${lastLines(result.stderr ?? String(result.error))}`);
  const [version, os, arch] = result.stdout.trim().split('\n');
  return { version, target: `${os}/${arch}` };
}

function cacheRoot() {
  const { MESSENGER_TEST_CACHE, XDG_CACHE_HOME } = process.env;
  return join(MESSENGER_TEST_CACHE || join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'messenger-operator'), 'controlplane');
}

/** The folder is named by all that decides what is built, so that a change of any of it builds anew. */
function cacheFolder(go) {
  const hash = createHash('sha256').update(`${go.version}\n${go.target}\n`);
  for (const source of SOURCES) hash.update(`${source}\n`).update(readFileSync(join(HERE, source)));
  return join(cacheRoot(), hash.digest('hex').slice(0, 16));
}

function isProgram(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

const programIn = (folder, name) => (folder && isProgram(join(folder, name)) ? join(folder, name) : null);

function programOnPath(name) {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const found = programIn(folder, name);
    if (found !== null) return found;
  }
  return null;
}

/** The machine's helm, if it is there and not older than what the chart is made for. */
function helmOfMachine() {
  const path = programOnPath('helm');
  if (path === null) return null;
  const { stdout } = spawnSync(path, ['version', '--template', '{{.Version}}'], { encoding: 'utf8', timeout: 30_000 });
  const [major, minor] = (/^v(\d+)\.(\d+)/.exec(stdout ?? '') ?? []).slice(1).map(Number);
  if (major === undefined) return null;
  return major > OLDEST_HELM[0] || (major === OLDEST_HELM[0] && minor >= OLDEST_HELM[1]) ? path : null;
}

/** Where everything is that can be used now; null for what would have to be built or installed. */
function locate(folder) {
  const assets = process.env.KUBEBUILDER_ASSETS || null;
  const servers = assets ?? folder;
  return {
    folder,
    etcd: programIn(servers, 'etcd'),
    kubeApiserver: programIn(servers, 'kube-apiserver'),
    kubeControllerManager: programIn(assets, 'kube-controller-manager') ?? programIn(folder, 'kube-controller-manager'),
    // Ours before the machine's: it has the version of the server that the tests start.
    kubectl: programIn(assets, 'kubectl') ?? programIn(folder, 'kubectl') ?? programOnPath('kubectl'),
    helm: helmOfMachine() ?? programIn(folder, 'helm'),
  };
}

function wanted(only, folder) {
  const { TEST_KUBECONFIG, KUBEBUILDER_ASSETS } = process.env;
  const todo = [];
  if (only !== 'helm') {
    if (TEST_KUBECONFIG) say('TEST_KUBECONFIG is set: no API server is built');
    else if (KUBEBUILDER_ASSETS) checkAssets(KUBEBUILDER_ASSETS);
    else if (!LINKS.every((name) => programIn(folder, name))) todo.push('apiserver');
  }
  // With `--only apiserver` helm is another call's business.
  if (only !== 'apiserver' && helmOfMachine() === null && programIn(folder, 'helm') === null) todo.push('helm');
  return todo;
}

function checkAssets(assets) {
  const missing = ['etcd', 'kube-apiserver'].filter((name) => programIn(assets, name) === null);
  if (missing.length > 0)
    throw new Failure(`KUBEBUILDER_ASSETS=${assets} has no ${missing.join(' and no ')}: point it at a folder with both, or unset it`);
  say(`KUBEBUILDER_ASSETS is set: kube-apiserver and etcd are those of ${assets}`);
}

function removeUnused(folder) {
  const root = dirname(folder);
  for (const name of readdirSync(root)) {
    const other = join(root, name);
    if (other !== folder && Date.now() - statSync(other).mtimeMs > KEEP_UNUSED_MS) rmSync(other, { recursive: true, force: true });
  }
}

function moduleVersion(module) {
  const line = readFileSync(join(HERE, 'go.mod'), 'utf8')
    .split('\n')
    .find((text) => text.trim().startsWith(`${module} v`));
  if (line === undefined) throw new Failure(`go.mod does not require ${module}`);
  return line.trim().split(/\s+/)[1];
}

/** What each target is made of. Versions are stamped in, since charts and clients look at them. */
function target(name) {
  if (name === 'helm') {
    const version = moduleVersion('helm.sh/helm/v4');
    return {
      what: `helm ${version}`,
      long: 'half a minute after the API server, some minutes alone',
      source: './helm',
      output: 'helm',
      links: [],
      flags: [`-X helm.sh/helm/v4/internal/version.version=${version}`],
    };
  }
  const version = moduleVersion('k8s.io/kubernetes');
  const [major, minor] = version.slice(1).split('.');
  const component = 'k8s.io/component-base/version';
  return {
    what: `kube-apiserver ${version} and etcd`,
    long: 'about 10 minutes on two cores',
    source: '.',
    output: 'controlplane',
    links: LINKS,
    flags: [`-X ${component}.gitVersion=${version}`, `-X ${component}.gitMajor=${major}`, `-X ${component}.gitMinor=${minor}`],
  };
}

async function build(name, folder) {
  const { what, long, source, output, links, flags } = target(name);
  say(`building ${what} from the Go modules, once: ${long}; later runs use the cache`);
  const began = Date.now();
  const beat = setInterval(() => say(`still building ${output}, ${minutes(Date.now() - began)}`), HEARTBEAT_MS);
  const temporary = join(folder, `.${output}.${process.pid}`);
  try {
    await goBuild(['-o', temporary, '-ldflags', ['-s', '-w', ...flags].join(' '), source]);
    for (const link of links) placeLink(folder, output, link);
    renameSync(temporary, join(folder, output));
  } finally {
    clearInterval(beat);
    rmSync(temporary, { force: true });
  }
  say(`built ${what} in ${minutes(Date.now() - began)}`);
}

function placeLink(folder, to, name) {
  const temporary = join(folder, `.${name}.${process.pid}`);
  rmSync(temporary, { force: true });
  symlinkSync(to, temporary);
  renameSync(temporary, join(folder, name));
}

function goBuild(args) {
  const env = { ...process.env, CGO_ENABLED: '0', GOWORK: 'off' };
  return new Promise((resolve, reject) => {
    const child = spawn('go', ['build', '-mod=readonly', '-trimpath', '-buildvcs=false', ...args], {
      cwd: HERE,
      env,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let errors = '';
    child.stderr.setEncoding('utf8').on('data', (text) => {
      errors = (errors + text).slice(-16_384);
    });
    const stop = () => child.kill('SIGTERM');
    process.once('SIGINT', stop).once('SIGTERM', stop);
    child.once('error', reject);
    child.once('close', (code, signal) => {
      process.removeListener('SIGINT', stop).removeListener('SIGTERM', stop);
      if (code === 0) resolve();
      else
        reject(
          new Failure(
            `go build ended with ${signal ?? `code ${code}`} (it needs the Go module proxy the first time):\n${lastLines(errors)}`,
          ),
        );
    });
  });
}

/**
 * Runs `work` while holding the folder's lock. A lock whose process is gone is taken
 * over; should two runs take it over at the same moment, both build, and the renames
 * keep the result whole.
 */
async function withLock(folder, work) {
  const lock = `${folder}.lock`;
  const deadline = Date.now() + LOCK_WAIT_MS;
  let told = false;
  while (!tryLock(lock)) {
    if (Date.now() > deadline)
      throw new Failure(`another build holds ${lock} for more than ${minutes(LOCK_WAIT_MS)}: end it, or remove that file`);
    if (!told) say(`another run is building: waiting for it (${lock})`);
    told = true;
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
  try {
    return await work();
  } finally {
    rmSync(lock, { force: true });
  }
}

function tryLock(lock) {
  try {
    writeFileSync(lock, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
  }
  if (existsSync(lock) && !isHeld(lock)) rmSync(lock, { force: true });
  return false;
}

function isHeld(lock) {
  try {
    const pid = Number(readFileSync(lock, 'utf8'));
    // Just made and not yet written: its owner is at it.
    if (pid === 0) return Date.now() - statSync(lock).mtimeMs < 10_000;
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

const minutes = (ms) => (ms < 90_000 ? `${Math.round(ms / 1_000)} s` : `${(ms / 60_000).toFixed(1)} min`);
const lastLines = (text) => text.trimEnd().split('\n').slice(-ERROR_LINES).join('\n');

async function main() {
  const { where, only } = parseArguments(process.argv.slice(2));
  const go = goToolchain();
  const folder = go === null ? null : cacheFolder(go);
  if (where) return JSON.stringify(locate(folder));

  let todo = wanted(only, folder);
  if (todo.length > 0) {
    if (go === null)
      throw new Failure(
        "no `go` on PATH: install Go (see go.mod for the version), or set TEST_KUBECONFIG to a cluster's kubeconfig or KUBEBUILDER_ASSETS to a folder with etcd and kube-apiserver, and put helm on PATH",
      );
    mkdirSync(folder, { recursive: true });
    await withLock(folder, async () => {
      todo = wanted(only, folder); // another run may have built it while we waited
      for (const name of todo) await build(name, folder);
      removeUnused(folder);
    });
  }
  if (folder !== null && existsSync(folder)) utimesSync(folder, new Date(), new Date());
  return folder ?? process.env.KUBEBUILDER_ASSETS ?? '';
}

try {
  process.stdout.write(`${await main()}\n`);
} catch (error) {
  say(error instanceof Failure ? error.message : (error.stack ?? String(error)));
  process.exitCode = 1;
}
