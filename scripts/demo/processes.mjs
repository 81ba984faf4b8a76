// Child processes of the demo: started with a log file each, stopped at the end, never left behind.
import { spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';

export class Processes {
  #children = new Map();

  constructor(folder) {
    this.folder = folder;
    process.on('exit', () => {
      for (const child of this.#children.values()) child.kill('SIGKILL');
    });
  }

  /** Starts `node ...args`; its output goes to <name>.log. */
  start(name, args, { env = {}, cwd } = {}) {
    const log = createWriteStream(join(this.folder, `${name}.log`), { flags: 'a' });
    const child = spawn(process.execPath, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.pipe(log);
    child.stderr.pipe(log);
    child.on('exit', (code, signal) => {
      this.#children.delete(name);
      if (code !== 0 && signal === null)
        console.error(`   ! ${name} ended with exit code ${code}: see ${join(this.folder, `${name}.log`)}`);
    });
    this.#children.set(name, child);
    return child;
  }

  running(name) {
    return this.#children.has(name);
  }

  async stopAll() {
    const children = [...this.#children.values()];
    const ended = children.map((child) => new Promise((resolve) => child.once('exit', resolve)));
    for (const child of children) child.kill('SIGTERM');
    const giveUp = setTimeout(() => children.forEach((child) => child.kill('SIGKILL')), 8_000);
    await Promise.all(ended);
    clearTimeout(giveUp);
  }
}

/** Ports that were free a moment ago, all different. */
export async function freePorts(count) {
  const servers = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise((resolve) => {
          const server = createServer().listen(0, '127.0.0.1', () => resolve(server));
        }),
    ),
  );
  const ports = servers.map((server) => server.address().port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** Polls until `probe` returns something truthy; undefined once the deadline has passed. A throwing probe counts as "not yet". */
export async function until(probe, deadlineMs) {
  const end = performance.now() + deadlineMs;
  for (;;) {
    try {
      const value = await probe();
      if (value) return value;
    } catch {
      // not yet
    }
    if (performance.now() > end) return undefined;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
