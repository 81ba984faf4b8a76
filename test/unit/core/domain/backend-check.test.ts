import { describe, expect, it } from '@jest/globals';
import type { Service } from '../../../../src/api/meta.js';
import type { Backend } from '../../../../src/api/v1alpha1/types.gen.js';
import { checkBackend, type BackendFacts } from '../../../../src/core/domain/backend-check.js';

const service = (spec: Service['spec']): Service => ({
  metadata: { name: 'bot', namespace: 'bots' },
  ...(spec === undefined ? {} : { spec }),
});
const clusterIp = service({ type: 'ClusterIP', ports: [{ name: 'http', port: 80 }] });

function check(backend: Backend | undefined, overrides: Partial<BackendFacts> = {}) {
  return checkBackend({
    backend: backend === undefined ? undefined : { namespace: 'bots', backend },
    pageNamespace: 'bots',
    appNamespace: 'bots',
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
    [
      'a bot outside the app namespace that has its own secret',
      check(bot({ signingSecretRef: { name: 's' } }), { appNamespace: 'platform', signingSecret: 'present' }),
    ],
  ])('lets %s pass', (_what, fault) => {
    expect(fault).toBeUndefined();
  });

  it.each<[string, ReturnType<typeof check>, string, string]>([
    ['no backend at all', check(undefined), 'NoBackend', 'spec.backend'],
    ['a Service that is not there', check(bot(), { service: undefined }), 'BackendNotFound', 'Service bots/bot'],
    ['a port name that the Service lacks', check(bot({ service: { name: 'bot', port: 'grpc' } })), 'BackendNotFound', 'it has http'],
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
      check(bot(), { appNamespace: 'platform' }),
      'SigningSecretRequired',
      'signingSecretRef',
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
