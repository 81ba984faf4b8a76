import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { stringify } from 'yaml';
import { KubeConfigCredentials } from '../../../src/k8s/kube-client.js';
import { FakeClock } from '../../support/fake-clock.js';

describe('KubeConfigCredentials', () => {
  let folder: string;
  let path: string;
  let clock: FakeClock;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kubeconfig-'));
    path = join(folder, 'config');
    clock = new FakeClock();
  });

  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  async function kubeconfig(user: object, cluster: object = {}): Promise<KubeConfigCredentials> {
    const content = {
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'here',
      clusters: [{ name: 'c', cluster: { server: 'https://api.example:6443/k8s/', ...cluster } }],
      users: [{ name: 'u', user }],
      contexts: [{ name: 'here', context: { cluster: 'c', user: 'u', namespace: 'operator' } }],
    };
    await writeFile(path, stringify(content));
    return new KubeConfigCredentials(path, clock);
  }

  const authorization = async (credentials: KubeConfigCredentials): Promise<unknown> =>
    (await credentials.current()).headers['Authorization'];

  it('says where the API server is, also behind a path, and the namespace of the context', async () => {
    const { origin, basePath, namespace, proxyUrl } = await kubeconfig({ token: 't' }, { 'proxy-url': 'http://proxy.example:3128' });
    expect([origin, basePath, namespace, proxyUrl]).toEqual(['https://api.example:6443', '/k8s', 'operator', 'http://proxy.example:3128']);
  });

  it.each([
    ['a token', { token: 'abc' }, { Authorization: 'Bearer abc' }],
    ['a name and a password', { username: 'a', password: 'b' }, { Authorization: 'Basic YTpi' }],
    [
      'an impersonated user with groups',
      { token: 'abc', as: 'jane', 'as-groups': ['x', 'y'] },
      { 'Impersonate-User': 'jane', 'Impersonate-Group': ['x', 'y'] },
    ],
  ])('authenticates by %s', async (_what, user, headers) => {
    expect((await (await kubeconfig(user)).current()).headers).toMatchObject(headers);
  });

  it('authenticates by a certificate, trusts the CA that is given and the name that is expected', async () => {
    const base64 = (text: string): string => Buffer.from(text).toString('base64');
    const credentials = await kubeconfig(
      { 'client-certificate-data': base64('CERT'), 'client-key-data': base64('KEY') },
      { 'certificate-authority-data': base64('CA'), 'tls-server-name': 'kubernetes' },
    );
    const { tls } = await credentials.current();
    expect({ ...tls, ca: String(tls.ca), cert: String(tls.cert), key: String(tls.key) }).toEqual({
      ca: 'CA',
      cert: 'CERT',
      key: 'KEY',
      servername: 'kubernetes',
    });
  });

  it('checks certificates unless the kubeconfig says otherwise', async () => {
    expect((await (await kubeconfig({ token: 't' })).current()).tls.rejectUnauthorized).not.toBe(false);
    expect((await (await kubeconfig({ token: 't' }, { 'insecure-skip-tls-verify': true })).current()).tls.rejectUnauthorized).toBe(false);
  });

  it('authenticates by what a plugin prints', async () => {
    const credential = { apiVersion: 'client.authentication.k8s.io/v1', kind: 'ExecCredential', status: { token: 'from-a-plugin' } };
    const exec = {
      apiVersion: 'client.authentication.k8s.io/v1',
      command: process.execPath,
      args: ['-e', `console.log(${JSON.stringify(JSON.stringify(credential))})`],
    };
    expect(await authorization(await kubeconfig({ exec }))).toBe('Bearer from-a-plugin');
  });

  it('reads a token file, relative to the kubeconfig, again after 5 s, and at once when its token was refused', async () => {
    const token = join(folder, 'token');
    await writeFile(token, 'first\n');
    const credentials = await kubeconfig({ tokenFile: 'token' });
    expect(await authorization(credentials)).toBe('Bearer first');
    await writeFile(token, 'second');
    expect(await authorization(credentials)).toBe('Bearer first');
    await clock.advance(5_000);
    expect(await authorization(credentials)).toBe('Bearer second');
    await writeFile(token, 'third');
    credentials.refresh();
    expect(await authorization(credentials)).toBe('Bearer third');
  });

  it('goes on with what it has while a file is being replaced', async () => {
    const token = join(folder, 'token');
    await writeFile(token, 'first');
    const credentials = await kubeconfig({ tokenFile: token });
    await credentials.current();
    await rm(token);
    await clock.advance(5_000);
    expect(await authorization(credentials)).toBe('Bearer first');
  });

  it('waits for a plugin that hangs no longer than 30 s, and no longer than 2 s while it has something to go on with', async () => {
    const hangs = { apiVersion: 'client.authentication.k8s.io/v1', command: process.execPath, args: ['-e', 'setTimeout(() => 0, 1000)'] };
    const first = (await kubeconfig({ exec: hangs })).current();
    const refused = expect(first).rejects.toThrow('did not end within 30000 ms');
    await clock.advance(30_000);
    await refused;

    const credentials = await kubeconfig({ token: 'first' });
    await credentials.current();
    await kubeconfig({ exec: hangs });
    await clock.advance(5_000);
    const second = authorization(credentials);
    await clock.advance(2_000);
    expect(await second).toBe('Bearer first');
    expect(await authorization(credentials)).toBe('Bearer first');
  });

  it('takes in a kubeconfig that was written anew', async () => {
    const credentials = await kubeconfig({ token: 'old' });
    expect(await authorization(credentials)).toBe('Bearer old');
    await kubeconfig({ token: 'brand-new' });
    await clock.advance(5_000);
    expect(await authorization(credentials)).toBe('Bearer brand-new');
  });

  it('fails with words where there is nothing to go by', async () => {
    await writeFile(path, 'apiVersion: v1\nkind: Config\n');
    expect(() => new KubeConfigCredentials(path, clock)).toThrow(/names no cluster/);
    expect(() => new KubeConfigCredentials(join(folder, 'none'), clock)).toThrow(/ENOENT/);
  });
});
