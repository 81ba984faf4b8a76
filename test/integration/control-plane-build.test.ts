import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { run, type Finished } from '../support/control-plane-process.js';

const BUILD = fileURLToPath(new URL('../controlplane/build.mjs', import.meta.url));

describe('test/controlplane/build.mjs', () => {
  let folder: string;
  let bin: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'build-test-'));
    bin = join(folder, 'bin');
    await mkdir(bin);
  });

  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  const program = async (name: string, script: string): Promise<void> => {
    await writeFile(join(bin, name), `#!/bin/sh\n${script}\n`);
    await chmod(join(bin, name), 0o755);
  };
  /** A `go` that names its version and, as its build, writes a file to where `-o` says. */
  const aGo = (whenBuilding = ''): Promise<void> =>
    program(
      'go',
      `if [ "$1" = env ]; then printf 'go1.99\\nlinux\\namd64\\n'; exit; fi
${whenBuilding}
while [ "$1" != -o ]; do shift; done
echo built >> ${join(folder, 'builds')}
printf '#!/bin/sh\\n' > "$2"; chmod +x "$2"`,
    );
  const build = (args: readonly string[] = [], env: NodeJS.ProcessEnv = {}): Promise<Finished> =>
    run(process.execPath, [BUILD, ...args], { env: { PATH: `${bin}:/usr/bin:/bin`, MESSENGER_TEST_CACHE: join(folder, 'cache'), ...env } });
  const builds = async (): Promise<number> => (await readFile(join(folder, 'builds'), 'utf8')).split('\n').length - 1;

  it('builds what is missing once, prints the folder last, and then finds all of it', async () => {
    await aGo();

    const first = await build();
    const second = await build();

    expect(first).toMatchObject({ code: 0, stdout: expect.stringContaining(join(folder, 'cache', 'controlplane')) });
    expect(first.stderr).toMatch(/building kube-apiserver v1\.\d+\.\d+ and etcd from the Go modules, once/);
    expect(second).toEqual({ ...first, stderr: '' });
    expect(await builds()).toBe(2);
    const cache = first.stdout.trim();
    expect(JSON.parse((await build(['--where'])).stdout)).toMatchObject({
      etcd: join(cache, 'etcd'),
      kubectl: join(cache, 'kubectl'),
      helm: join(cache, 'helm'),
    });
  });

  it('builds once when two runs want it at the same time', async () => {
    await aGo('sleep 0.3');

    const [one, other] = await Promise.all([build(), build()]);

    expect([one.code, other.code]).toEqual([0, 0]);
    expect(await builds()).toBe(2);
  });

  it('takes over the lock of a run that was killed', async () => {
    await aGo();
    const cache = (await build(['--where'])).stdout;
    const { folder: target } = JSON.parse(cache) as { folder: string };
    await mkdir(join(folder, 'cache', 'controlplane'), { recursive: true });
    await writeFile(`${target}.lock`, '999999999');

    await expect(build()).resolves.toMatchObject({ code: 0 });
  });

  it('leaves nothing behind that looks built when the compiler fails, and says what it said', async () => {
    await aGo('echo "no such module" >&2; exit 1');

    const { code, stderr } = await build();

    expect(code).toBe(1);
    expect(stderr).toContain('no such module');
    expect(JSON.parse((await build(['--where'])).stdout)).toMatchObject({ etcd: null, kubeApiserver: null, helm: null });
  });

  it("takes the machine's helm when it is new enough, its own otherwise", async () => {
    await aGo();

    await program('helm', 'echo v3.20.1');
    expect(JSON.parse((await build(['--where'])).stdout)).toMatchObject({ helm: join(bin, 'helm') });
    await program('helm', 'echo v3.9.4');
    expect(JSON.parse((await build(['--where'])).stdout)).toMatchObject({ helm: null });
  });

  it('says what to do on a machine without Go', async () => {
    const { code, stderr } = await build([], { PATH: bin });

    expect(code).toBe(1);
    expect(stderr).toMatch(/no `go` on PATH: install Go .*KUBEBUILDER_ASSETS/);
  });

  it('needs no Go where a cluster and a helm are given', async () => {
    await program('helm', 'echo v4.1.0');

    const { code, stderr } = await build([], { PATH: bin, TEST_KUBECONFIG: '/somewhere/kubeconfig' });

    expect({ code, stderr }).toEqual({ code: 0, stderr: 'controlplane: TEST_KUBECONFIG is set: no API server is built\n' });
  });

  it('refuses a KUBEBUILDER_ASSETS that has no API server', async () => {
    await aGo();
    await program('etcd', 'exit 0');

    const { code, stderr } = await build(['--only', 'apiserver'], { KUBEBUILDER_ASSETS: bin });

    expect(code).toBe(1);
    expect(stderr).toContain(`KUBEBUILDER_ASSETS=${bin} has no kube-apiserver`);
  });
});
