import { describe, expect, it } from '@jest/globals';
import type { MessengerApp, MessengerPage } from '../../../../src/api/v1alpha1/types.gen.js';
import { backendText, effectiveSpec } from '../../../../src/core/domain/effective-spec.js';

const options = { intervalMs: 1_800_000, minIntervalMs: 300_000 };

function page(spec: Partial<MessengerPage['spec']> = {}): MessengerPage {
  return {
    metadata: { name: 'shop', namespace: 'bots' },
    spec: { pageId: '1001', appRef: { name: 'main' }, accessTokenSecretRef: { name: 'shop' }, ...spec },
  };
}
function app(pageDefaults: MessengerApp['spec']['pageDefaults'] = {}): MessengerApp {
  return {
    metadata: { name: 'main', namespace: 'platform' },
    spec: { appId: '151', appSecretRef: { name: 's' }, verifyTokenRef: { name: 's' }, pageDefaults },
  };
}

describe('effectiveSpec', () => {
  it('has the five fields of the guide where nobody says more', () => {
    expect(effectiveSpec(page(), app(), options)).toEqual({
      fields: ['messages', 'messaging_optins', 'messaging_policy_enforcement', 'messaging_postbacks', 'messaging_referrals'],
      backend: undefined,
      deletionPolicy: 'Unsubscribe',
      intervalMs: 1_800_000,
      manage: true,
    });
  });

  it("takes the app's defaults for what the page leaves out", () => {
    const spec = effectiveSpec(page(), app({ subscribedFields: ['feed'], deletionPolicy: 'Retain' }), options);

    expect(spec).toMatchObject({ fields: ['feed'], deletionPolicy: 'Retain' });
  });

  it('takes what the page says before the defaults, each field once and sorted', () => {
    const own = page({ subscribedFields: ['messages', 'feed', 'messages'], deletionPolicy: 'Unsubscribe' });

    const spec = effectiveSpec(own, app({ subscribedFields: ['name'], deletionPolicy: 'Retain' }), options);

    expect(spec).toMatchObject({ fields: ['feed', 'messages'], deletionPolicy: 'Unsubscribe' });
  });

  it.each([
    ["the page's own backend in its namespace", page({ backend: { service: { name: 'bot', port: 5000 } } }), 'svc bots/bot:5000'],
    ["the default one in the app's namespace", page(), 'svc platform/shared:http'],
    ['a url', page({ backend: { url: 'https://bot.example.com/hook' } }), 'url https://bot.example.com/hook'],
  ])('resolves %s', (_what, thePage, text) => {
    const { backend } = effectiveSpec(thePage, app({ backend: { service: { name: 'shared', port: 'http' } } }), options);

    expect(backend === undefined ? undefined : backendText(backend)).toBe(text);
  });

  it.each([
    ['10m', 600_000],
    ['1s', 300_000],
    [undefined, 1_800_000],
  ])('checks for drift at interval %s every %s ms', (interval, ms) => {
    expect(effectiveSpec(page(interval === undefined ? {} : { interval }), app(), options).intervalMs).toBe(ms);
  });
});
