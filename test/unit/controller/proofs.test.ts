import { describe, expect, it } from '@jest/globals';
import type { MessengerPage } from '../../../src/api/v1alpha1/types.gen.js';
import { Proofs } from '../../../src/controller/proofs.js';
import { FakeClock } from '../../support/fake-clock.js';
import { aPage } from './support/world.js';

/** Of an earlier leader: a token was proven, and this is what it said of it last. */
function aPageWith(status: 'True' | 'False' | 'Unknown', reason: string): MessengerPage {
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

  it('is unproven and pending where no leader has looked yet', () => {
    expect(new Proofs(new FakeClock()).of(aPage({}, { uid: 'u1' }))).toMatchObject({ proof: 'unproven', examined: false, pending: true });
  });

  it('is pending where Graph could not be asked', () => {
    const page = aPageWith('Unknown', 'GraphUnavailable');
    const status = { conditions: page.status?.conditions ?? [] };

    expect(new Proofs(new FakeClock()).of({ ...page, status })).toMatchObject({ proof: 'unproven', examined: false, pending: true });
  });

  it('stays proven through an outage', () => {
    expect(new Proofs(new FakeClock()).of(aPageWith('Unknown', 'GraphUnavailable'))).toMatchObject({ proof: 'proven', pending: false });
  });
});

describe('what this leader has found out', () => {
  const set = () => {
    const clock = new FakeClock();
    return { clock, proofs: new Proofs(clock), page: aPage({}, { uid: 'u1' }) };
  };

  it.each(['dead', 'foreign'] as const)('counts the time of a %s token from when it was first found so', async (proof) => {
    const { clock, proofs, page } = set();
    proofs.set('u1', proof);
    const since = proofs.of(page).refutedSinceMs;
    await clock.advance(60_000);
    proofs.set('u1', proof);

    expect(proofs.of(page)).toMatchObject({ proof, refutedSinceMs: since });
  });

  it('is pending while a Secret may still be created, and unproven once that time is over', () => {
    const { proofs, page } = set();
    proofs.await('u1');
    expect(proofs.of(page)).toMatchObject({ pending: true });
    proofs.withdraw('u1');
    expect(proofs.of(page)).toMatchObject({ proof: 'unproven', examined: true, pending: false });
  });

  it.each(['proven', 'dead'] as const)('stays %s when the Secret is gone', (proof) => {
    const { proofs, page } = set();
    proofs.set('u1', proof);
    proofs.await('u1');
    proofs.withdraw('u1');

    expect(proofs.of(page)).toMatchObject({ proof, pending: false });
  });
});
