import { describe, expect, it } from '@jest/globals';
import type { MessengerApp, MessengerPage } from '../../../../src/api/v1alpha1/types.gen.js';
import { checkAccepted } from '../../../../src/controller/messengerpage/acceptance.js';

const APP: MessengerApp = {
  metadata: { name: 'main', namespace: 'bots' },
  spec: { appId: '151', appSecretRef: { name: 'main' }, verifyTokenRef: { name: 'main' } },
  status: {
    conditions: [{ type: 'Accepted', status: 'True', reason: 'Succeeded', message: '', lastTransitionTime: '2026-01-01T00:00:00Z' }],
  },
};

function reasonWith(inline: Readonly<Record<string, unknown>>): string | undefined {
  const page: MessengerPage = {
    metadata: { name: 'shop', namespace: 'bots' },
    spec: { pageId: '1001', appRef: { name: 'main' }, accessTokenSecretRef: { name: 'shop' }, botConfig: { inline } },
  };
  const { verdict } = checkAccepted(page, APP, undefined);
  return verdict.status === 'True' ? undefined : verdict.reason;
}

/** `{"a":"…"}` of exactly this many bytes. */
const ofBytes = (bytes: number, character = 'x'): Readonly<Record<string, unknown>> => ({
  a: character.repeat((bytes - '{"a":""}'.length) / Buffer.byteLength(character)),
});

describe('the size of a bot config in the page', () => {
  it('may be 16 KiB as JSON', () => {
    expect(reasonWith(ofBytes(16_384))).toBeUndefined();
  });

  it('may not be one byte more', () => {
    expect(reasonWith(ofBytes(16_385))).toBe('InvalidSpec');
  });

  it('is counted in bytes, not in characters', () => {
    expect(reasonWith(ofBytes(16_388, 'ü'))).toBe('InvalidSpec');
  });
});
