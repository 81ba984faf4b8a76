import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, openSync } from 'node:fs';
import { type Readable, Writable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Output } from '../../../src/cli/output.js';
import { ListedCluster, listedPage, listOf } from './cluster.js';
import { command } from './io.js';

/** Their JSON is more than 1 MiB: many times what a pipe holds. */
const PAGES = Array.from({ length: 8_000 }, (_, i) => listedPage(`page-${i}`));
const GET = ['get', 'pages', '-A', '-o', 'json'];
const RELEASE = ['release', '-A', '--dry-run', '-o', 'json', '--log-level', 'error'];
const DEADLINE_MS = 60_000;

interface Started {
  readonly child: ChildProcess;
  readonly stdout: Readable;
  /** The exit code, and all of standard error. */
  readonly ended: Promise<{ readonly code: number | null; readonly stderr: string }>;
}

let cluster: ListedCluster;
const children: ChildProcess[] = [];
beforeEach(async () => {
  cluster = await new ListedCluster().start();
  cluster.lists['messengerapps'] = () => listOf([]);
  cluster.lists['messengerpages'] = () => listOf(PAGES);
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await cluster.stop();
});

/** The command in a process of its own, whose standard output nothing reads yet. */
function start(argv: readonly string[], stdout: 'pipe' | number = 'pipe'): Started {
  const args = ['--disable-warning=ExperimentalWarning', '--import', './scripts/ts-hooks.mjs', 'src/main.ts'];
  const child = spawn(process.execPath, [...args, ...argv, '--kubeconfig', cluster.kubeconfig], { stdio: ['ignore', stdout, 'pipe'] });
  children.push(child);
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = once(child, 'exit').then(async ([code]) => {
    if (child.stderr?.readableEnded === false) await once(child.stderr, 'end');
    return { code: code as number | null, stderr };
  });
  return { child, stdout: child.stdout as Readable, ended };
}

/** Reads one chunk at a time, with a pause after each. */
async function readSlowly(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) {
    chunks.push(chunk as Buffer);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  return Buffer.concat(chunks).toString('utf8');
}

describe('what a command prints', () => {
  it.each([
    ['get', GET],
    ['release', RELEASE],
  ])(
    'reaches a slow reader whole: %s',
    async (_name, argv) => {
      const { stdout, ended } = start(argv);

      const printed = await readSlowly(stdout);

      expect(await ended).toEqual({ code: 0, stderr: '' });
      expect(printed.length).toBeGreaterThan(1024 * 1024);
      expect(printed === (await command([...argv, '--kubeconfig', cluster.kubeconfig])).stdout).toBe(true);
    },
    DEADLINE_MS,
  );

  it(
    'neither fails nor hangs when the reader closes early',
    async () => {
      const { stdout, ended } = start(GET);
      await once(stdout, 'readable');
      stdout.destroy();

      expect(await ended).toEqual({ code: 0, stderr: '' });
    },
    DEADLINE_MS,
  );

  it(
    'does not keep a process alive that is asked to stop and whose output nothing reads',
    async () => {
      const { child, stdout, ended } = start(GET);
      await once(stdout, 'readable');
      child.kill('SIGTERM');

      expect(await ended).toEqual({ code: 0, stderr: '' });
    },
    DEADLINE_MS,
  );

  (existsSync('/dev/full') ? it : it.skip)(
    'is an error when the disk is full',
    async () => {
      const { ended } = start(GET, openSync('/dev/full', 'w'));

      const { code, stderr } = await ended;

      expect(code).toBe(1);
      expect(stderr).toContain('messenger-operator: cannot write the output: ENOSPC');
    },
    DEADLINE_MS,
  );
});

describe('Output', () => {
  it('is flushed once the last write has ended', async () => {
    const writes: (() => void)[] = [];
    const stream = new Writable({ write: (_chunk, _encoding, done) => void writes.push(done) });
    const output = new Output(stream);
    stream.write('text');
    let flushed = false;
    const flushing = output.flushed(new AbortController().signal).then(() => (flushed = true));
    await new Promise((resolve) => setImmediate(resolve));
    expect(flushed).toBe(false);

    for (let done = writes.shift(); done !== undefined; done = writes.shift()) {
      done();
      await new Promise((resolve) => setImmediate(resolve));
    }

    expect(await flushing).toBe(true);
  });
});
