import { describe, expect, it } from '@jest/globals';
import { ConfigError } from '../../../src/config/config-error.js';
import { parseCommandLine, type Disk, type Environment } from '../../../src/config/config.js';

const DISK: Disk = { readable: (path) => path.startsWith('there'), isDirectory: (path) => path.startsWith('folder') };
const parse = (line: string, env: Environment = {}): ReturnType<typeof parseCommandLine> =>
  parseCommandLine(
    line.split(' ').filter((word) => word !== ''),
    { KUBERNETES_SERVICE_HOST: '10.0.0.1', ...env },
    DISK,
  );

function configOf(line: string, env: Environment = {}): Readonly<Record<string, unknown>> {
  const parsed = parse(line, env);
  if (parsed.kind !== 'run') throw new Error(`not a run: ${parsed.kind}`);
  return parsed.config;
}

function problemsOf(line: string, env: Environment = {}): readonly string[] {
  try {
    parse(line, env);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe('parseCommandLine', () => {
  it('lets a flag win over its variable, and a variable over the default', () => {
    expect(configOf('controller')).toMatchObject({ intervalMs: 1_800_000, workers: 16, logLevel: 'info' });
    const env = { MESSENGER_INTERVAL: '10m', MESSENGER_WORKERS: '3' };
    expect(configOf('controller --interval 1h30m', env)).toMatchObject({ intervalMs: 5_400_000, workers: 3 });
  });

  it('takes an empty variable as not set', () => {
    expect(configOf('controller', { MESSENGER_WORKERS: '' })).toMatchObject({ workers: 16 });
  });

  it('ignores the variable that Kubernetes makes of a Service whose name meets one of ours', () => {
    expect(configOf('webhook', { MESSENGER_WEBHOOK_PORT: 'tcp://10.96.0.7:8080' })).toMatchObject({ webhookPort: 8080 });
  });

  it('tells every problem at once, each with the name under which it was given', () => {
    const line = 'webhook --max-body-bytes 8Mib --log-level=loud --tls-cert there.pem --backend-alow 10.0.0.0/8 stray --direct-give-up 2h';

    expect(problemsOf(line, { MESSENGER_ADMIN_PORT: '99999' })).toEqual(
      [
        '--backend-alow is not a flag of webhook; did you mean --backend-allow?',
        'webhook takes flags only; "stray" is one too many',
        '--log-level must be one of error, warn, info, debug, not "loud"',
        'MESSENGER_ADMIN_PORT must be an integer from 0 to 65535, not "99999"',
        '--max-body-bytes must be a size such as 512KiB or 8MiB, from 1KiB to 64MiB, not "8Mib"',
        '--direct-give-up must be a duration such as 30s or 10m, from 1s to 55m, not "2h"',
        '--tls-cert and --tls-key belong together: set both or neither',
      ].sort(byAppearance(problemsOf(line, { MESSENGER_ADMIN_PORT: '99999' }))),
    );
  });

  it.each([
    ['8388608', 8_388_608],
    ['8MiB', 8_388_608],
    ['8 MiB', 8_388_608],
    ['512KiB', 524_288],
  ])('reads the size %s', (text, bytes) => {
    const parsed = parseCommandLine(['webhook', '--max-body-bytes', text], { KUBERNETES_SERVICE_HOST: 'x' }, DISK);
    expect(parsed).toMatchObject({ config: { maxBodyBytes: bytes } });
  });

  it('turns switches on by name, off by --no- or =false', () => {
    expect(configOf('controller --read-only')).toMatchObject({ readOnly: true, leaderElect: true });
    expect(configOf('controller --no-leader-elect')).toMatchObject({ leaderElect: false });
    expect(configOf('controller --leader-elect=false')).toMatchObject({ leaderElect: false });
    expect(problemsOf('controller --no-workers')).toEqual(['--no-workers is not a flag of controller; did you mean --workers?']);
  });

  it('joins a list that is given by commas and by naming the flag again', () => {
    expect(configOf('controller --watch-namespaces a,b --watch-namespaces=c,a')).toMatchObject({ watchNamespaces: ['a', 'b', 'c'] });
    expect(problemsOf('controller --watch-namespaces Bots')).toHaveLength(1);
  });

  it('wants a value where a flag takes one', () => {
    expect(problemsOf('controller --workers')).toEqual(['--workers needs a value: --workers N']);
  });

  it('knows other defaults for some commands', () => {
    expect(configOf('webhook')).toMatchObject({ bindAddress: '::' });
    expect(configOf('standalone --manifests folder --api-allow-plaintext')).toMatchObject({
      bindAddress: '127.0.0.1',
      stateDir: '.messenger-operator',
    });
    expect(configOf('get pages')).toMatchObject({ stateDir: '' });
  });

  it('looks for the files that are named', () => {
    expect(problemsOf('webhook --tls-cert nowhere.pem --tls-key there.key')).toEqual([
      '--tls-cert: there is no file "nowhere.pem" that can be read',
      '--tls-cert and --tls-key belong together: set both or neither',
    ]);
    expect(problemsOf('standalone --manifests gone --api-allow-plaintext')[0]).toBe('--manifests: there is no folder "gone"');
  });

  it('refuses to hand out tokens in plain text unless told to', () => {
    expect(problemsOf('pages-api')).toEqual([
      'the Pages API serves tokens: set --api-tls-cert and --api-tls-key, or allow plain HTTP with --api-allow-plaintext',
    ]);
    expect(problemsOf('pages-api --api-allow-plaintext')).toEqual([]);
  });

  it('refuses what is not in this version instead of ignoring it', () => {
    expect(problemsOf('webhook --delivery durable')).toEqual(['--delivery durable is not in this version: use direct']);
    expect(problemsOf('webhook --nats-url nats://n')).toEqual(['--nats-url is not in this version']);
    expect(problemsOf('pages-api --api-allow-plaintext --graph-proxy')).toEqual(['--graph-proxy is not in this version']);
    expect(problemsOf('pages-api --api-allow-plaintext --graph-proxy=false')).toEqual([]);
  });

  it('does not print the password of a URL', () => {
    expect(problemsOf('controller --graph-url ftp://me:hunter2@host')[0]).not.toContain('hunter2');
  });

  it('finds the cluster: the flag, else the Pod, else $KUBECONFIG', () => {
    const outside = { KUBERNETES_SERVICE_HOST: undefined };
    expect(configOf('controller --kubeconfig there', { KUBECONFIG: 'there-too' })).toMatchObject({ kubeconfig: 'there' });
    expect(configOf('controller', { KUBECONFIG: 'there' })['kubeconfig']).toBeUndefined();
    expect(configOf('controller', { ...outside, KUBECONFIG: 'gone:there' })).toMatchObject({ kubeconfig: 'there' });
    expect(problemsOf('controller', { ...outside, KUBECONFIG: 'gone' })[0]).toMatch(/^there is no API server/);
    expect(problemsOf('get pages --state-dir folder', outside)).toEqual([]);
  });

  it('names the nearest command', () => {
    expect(problemsOf('controler')).toEqual(['"controler" is not a command; did you mean controller?']);
    expect(problemsOf('frobnicate')).toEqual(['"frobnicate" is not a command']);
  });

  it('keeps what follows -- and bounds what a command takes', () => {
    expect(parse('get pages -n bots -- -odd')).toMatchObject({ args: ['pages', '-odd'], config: { namespace: 'bots' } });
    expect(problemsOf('get')).toEqual(['get needs pages|apps [NAME…]']);
    expect(problemsOf('get pages -n a -A')).toEqual(['--namespace and --all-namespaces cannot be used together']);
  });

  it.each(['', '--help', '-h', 'help'])('helps for %p', (line) => {
    expect(parse(line)).toMatchObject({ kind: 'help', text: expect.stringContaining('Usage: messenger-operator COMMAND') });
  });

  it('helps for a command even when its flags are wrong', () => {
    expect(parse('webhook --nonsense --help')).toMatchObject({ kind: 'help', text: expect.stringContaining('--direct-give-up DURATION') });
    expect(parse('help webhook')).toEqual(parse('webhook --help'));
    expect(parse('webhook --version')).toEqual({ kind: 'version' });
  });
});

/** Problems come in the table's order, which is not what this test is about. */
function byAppearance(order: readonly string[]): (a: string, b: string) => number {
  return (a, b) => order.indexOf(a) - order.indexOf(b);
}
