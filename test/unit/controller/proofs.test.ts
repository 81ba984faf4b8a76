import { describe, expect, it } from '@jest/globals';
import type { MessengerPage } from '../../../src/api/v1alpha1/types.gen.js';
import { Proofs } from '../../../src/controller/proofs.js';
import { FakeClock } from '../../support/fake-clock.js';
import { aPage } from './support/world.js';

/** Of an earlier leader: a token was proven, and this is what it said of it last. */
function aPageWith(status: 'True' | 'False', reason: string): MessengerPage {
  const condition = { type: 'TokenValid', status, reason, message: '', lastTransitionTime: '2026-11-22T00:00:00Z' };
  return { ...aPage({}, { uid: 'u1' }), status: { token: { fingerprint: '0123456789abcdef' }, conditions: [condition] } };
}

describe('what a page has proven to a leader that has not looked at its token', () => {
  it.each([
    ['True', 'Succeeded', 'proven'],
    ['False', 'TokenMissingScopes', 'proven'],
    ['False', 'TokenInvalidated', 'dead'],
    ['False', 'TokenWrongPage', 'foreign'],
    // It may have died before it went.
    ['False', 'SecretNotFound', 'unproven'],
    ['False', 'SecretKeyMissing', 'unproven'],
    ['False', 'TokenMalformed', 'unproven'],
  ] as const)('TokenValid %s, %s: %s', (status, reason, proof) => {
    expect(new Proofs(new FakeClock()).of(aPageWith(status, reason))).toMatchObject({ proof, examined: true });
  });

  it('is unproven, and may come to be proven, where nobody has looked yet', () => {
    expect(new Proofs(new FakeClock()).of(aPage({}, { uid: 'u1' }))).toMatchObject({ proof: 'unproven', examined: false });
  });
});
