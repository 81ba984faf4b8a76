import { describe, expect, it } from '@jest/globals';
import type { Service } from '../../../../src/api/meta.js';
import type { Backend, MessengerApp, MessengerPage } from '../../../../src/api/v1alpha1/types.gen.js';
import { checkBackend, signingRule, type BackendFacts } from '../../../../src/core/domain/backend-check.js';

const service = (spec: Service['spec']): Service => ({
  metadata: { name: 'bot', namespace: 'bots' },
  ...(spec === undefined ? {} : { spec }),
});
const clusterIp = service({ type: 'ClusterIP', ports: [{ name: 'http', port: 80 }] });

function check(backend: Backend | undefined, overrides: Partial<BackendFacts> = {}) {
  return checkBackend({
    backend: backend === undefined ? undefined : { namespace: 'bots', backend },
    signingRule: undefined,
    service: clusterIp,
    signingSecret: undefined,
    ...overrides,
  });
}
const bot = (overrides: Partial<Backend> = {}): Backend => ({ service: { name: 'bot', port: 80 }, ...overrides });

describe('checkBackend', () => {
  it.each<[string, ReturnType<typeof check>]>([
    ['a Service by number', check(bot())],
    ['a Service by the name of its port', check(bot({ service: { name: 'bot', port: 'http' } }))],
    ['an https address', check({ url: 'https://bot.example.com' }, { service: undefined })],
    ['a public address', check({ url: 'https://8.8.8.8:8443/hook' })],
    // Whether --backend-allow lists it is known to the webhook alone.
    ['a private address', check({ url: 'https://10.0.0.1/' })],
    ['a name that only looks like this machine', check({ url: 'https://localhost.example.com/' })],
    [
      'any port of a headless Service',
      check(bot({ service: { name: 'bot', port: 9 } }), { service: service({ clusterIP: 'None', ports: [{ port: 80 }] }) }),
    ],
    [
      'a bot outside the app namespace that has its own secret',
      check(bot({ signingSecretRef: { name: 's' } }), { signingRule: 'other_namespace', signingSecret: 'present' }),
    ],
  ])('lets %s pass', (_what, fault) => {
    expect(fault).toBeUndefined();
  });

  it.each<[string, ReturnType<typeof check>, string, string]>([
    ['no backend at all', check(undefined), 'NoBackend', 'spec.backend'],
    ['a Service that is not there', check(bot(), { service: undefined }), 'BackendNotFound', 'Service bots/bot'],
    ['a port name that the Service lacks', check(bot({ service: { name: 'bot', port: 'grpc' } })), 'BackendNotFound', 'it has http'],
    ['a port number that the Service lacks', check(bot({ service: { name: 'bot', port: 81 } })), 'BackendNotFound', 'it has 80'],
    [
      'a port that is not TCP',
      check(bot(), { service: service({ ports: [{ name: 'http', port: 80, protocol: 'UDP' }] }) }),
      'BackendNotFound',
      'it has none',
    ],
    ['an ExternalName', check(bot(), { service: service({ type: 'ExternalName' }) }), 'BackendNotAllowed', 'backend.url'],
    [
      'a name that would leave the cluster',
      check(bot({ service: { name: 'evil.example.com', port: 80 } })),
      'BackendNotAllowed',
      'evil.example.com',
    ],
    ['plain http', check({ url: 'http://bot.example.com' }), 'BackendNotAllowed', 'https://'],
    [
      'a bot outside the app namespace without a secret',
      check(bot(), { signingRule: 'other_namespace' }),
      'SigningSecretRequired',
      'signingSecretRef',
    ],
    [
      'a bot of a shared app without a secret',
      check(bot(), { signingRule: 'shared_app' }),
      'SigningSecretRequired',
      'requireSigningSecret',
    ],
    [
      'a signing Secret that holds an app secret',
      check(bot({ signingSecretRef: { name: 's' } }), { signingSecret: 'app_secret' }),
      'SigningSecretRequired',
      'forge',
    ],
    [
      'a signing Secret that is not there',
      check(bot({ signingSecretRef: { name: 's' } }), { signingSecret: 'absent' }),
      'SigningSecretNotFound',
      'resourceNames: [s]',
    ],
    [
      'a signing Secret without a usable value',
      check(bot({ signingSecretRef: { name: 's', key: 'k' } }), { signingSecret: 'malformed' }),
      'SigningSecretNotFound',
      '"k"',
    ],
  ])('names what is wrong with %s', (_what, fault, reason, text) => {
    expect(fault?.reason).toBe(reason);
    expect(fault?.message).toContain(text);
  });
});

describe('checkBackend for a backend.url that may never be used', () => {
  it.each([
    ['https://127.0.0.1/', 'loopback'],
    ['https://127.1:8443/hook', 'loopback'],
    ['https://2130706433/', 'loopback'],
    ['https://0177.0.0.1/', 'loopback'],
    ['https://0x7f.0.0.1/', 'loopback'],
    ['https://0x7f000001/', 'loopback'],
    ['https://127.0.0.1./', 'loopback'],
    ['https://[::1]/', 'loopback'],
    ['https://[::ffff:127.0.0.1]/', 'loopback'],
    ['https://[64:ff9b::7f00:1]/', 'loopback'],
    ['https://localhost/', 'loopback'],
    ['https://LocalHost.:8443/', 'loopback'],
    ['https://bot.localhost/', 'loopback'],
    ['https://169.254.1.1/', 'link-local'],
    ['https://[fe80::1]/', 'link-local'],
    ['https://169.254.169.254/latest/meta-data', 'metadata'],
    ['https://2852039166/', 'metadata'],
    ['https://[fd00:ec2::254]/', 'metadata'],
    ['https://0.0.0.0/', 'unspecified'],
    ['https://0/', 'unspecified'],
    ['https://224.0.0.1/', 'multicast'],
    ['https://255.255.255.255/', 'broadcast'],
  ])('refuses %s as %s', (url, what) => {
    const fault = check({ url });

    expect(fault?.reason).toBe('BackendNotAllowed');
    expect(fault?.message).toContain(`(${what})`);
  });

  it.each([
    ['https://bot.example.com:99999/', 'port'],
    ['https://user:secret@bot.example.com/', 'user'],
    ['https://', 'URL'],
  ])('refuses %s, which no client can call, without its password', (url, text) => {
    const fault = check({ url });

    expect(fault?.reason).toBe('BackendNotAllowed');
    expect(fault?.message).toContain(text);
    expect(fault?.message).not.toContain('secret');
  });
});

describe('signingRule', () => {
  const page = (namespace: string) => ({ metadata: { name: 'p', namespace } }) as MessengerPage;
  const app = (spec: Partial<MessengerApp['spec']>) => ({ metadata: { name: 'a', namespace: 'bots' }, spec }) as MessengerApp;

  it.each<[string, string | undefined, MessengerPage, MessengerApp]>([
    ['a page beside an app of one namespace', undefined, page('bots'), app({})],
    ['a page beside an app with from: Same', undefined, page('bots'), app({ allowedNamespaces: { from: 'Same' } })],
    ['a page beside an app for all namespaces', 'shared_app', page('bots'), app({ allowedNamespaces: { from: 'All' } })],
    ['a page beside an app that selects namespaces', 'shared_app', page('bots'), app({ allowedNamespaces: { from: 'Selector' } })],
    ['a page beside an app that asks for it', 'shared_app', page('bots'), app({ requireSigningSecret: true })],
    [
      'a page beside a shared app that does without',
      undefined,
      page('bots'),
      app({ allowedNamespaces: { from: 'All' }, requireSigningSecret: false }),
    ],
    ['a page of another namespace, whatever the app says', 'other_namespace', page('else'), app({ requireSigningSecret: false })],
  ])('of %s is %s', (_what, rule, of, by) => {
    expect(signingRule(of, by)).toBe(rule);
  });
});
