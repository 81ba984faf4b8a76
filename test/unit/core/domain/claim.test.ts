import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decideClaim, type ClaimCandidate, type ClaimWrite } from '../../../../src/core/domain/claim.js';

const NOW = Date.parse('2026-11-23T00:00:00Z');
const MINUTE = 60_000;

function one(uid: string, overrides: Partial<ClaimCandidate> = {}): ClaimCandidate {
  return {
    uid,
    namespace: 'bots',
    name: uid,
    creationTimestamp: '2026-01-01T00:00:00Z',
    deleting: false,
    consented: true,
    app: 'accepted',
    proof: 'proven',
    examined: true,
    pending: false,
    refutedSinceMs: undefined,
    claim: undefined,
    ...overrides,
  };
}

const held = (epoch: number) => ({ claim: { state: 'Held', epoch } }) as const;
const refused = (epoch: number) => ({ claim: { state: 'Refused', epoch } }) as const;
const older = { creationTimestamp: '2025-01-01T00:00:00Z' } as const;
const waiting = { claim: { state: 'Waiting', epoch: 0 } } as const;
const dead = (sinceMs: number) => ({ proof: 'dead', refutedSinceMs: NOW - sinceMs }) as const;
const foreign = (sinceMs: number) => ({ proof: 'foreign', refutedSinceMs: NOW - sinceMs }) as const;
const unseen = { examined: false, pending: true, proof: 'unproven' } as const;

describe('decideClaim', () => {
  it.each<[string, readonly ClaimCandidate[], string | undefined]>([
    ['a lone proven page', [one('a')], 'a'],
    ['nobody while the only page is not proven', [one('a', { proof: 'unproven' })], undefined],
    ['nobody while the only token is dead', [one('a', dead(0))], undefined],
    ["nobody when the token is another page's", [one('a', foreign(0))], undefined],
    ['one that held it until its consent was withdrawn', [one('a', { ...refused(2), proof: 'unproven' })], 'a'],
    ['nobody that was refused before it was ever proven', [one('a', { ...refused(0), proof: 'unproven' })], undefined],
    ['nobody that was refused and has the token of another page', [one('a', { ...refused(2), ...foreign(0) })], undefined],
    ['a proven one before an older one that was refused', [one('a', { ...refused(2), proof: 'unproven', ...older }), one('b')], 'b'],
    ['nobody without consent', [one('a', { consented: false })], undefined],
    ['nobody while the app is not accepted', [one('a', { app: 'undecided' })], undefined],
    ['nobody while it is being deleted', [one('a', { deleting: true })], undefined],
    ['the proven one before an older unproven one', [one('a', { proof: 'unproven', ...older }), one('b')], 'b'],
    ['the oldest proven one', [one('a'), one('b', { creationTimestamp: '2025-01-01T00:00:00Z' })], 'b'],
    ['by namespace when equally old', [one('b', { namespace: 'alpha' }), one('a')], 'b'],
    ['by name when equally old in one namespace', [one('b'), one('a')], 'a'],
  ])('gives a vacancy to %s', (_who, candidates, holder) => {
    expect(decideClaim(candidates, NOW).holder).toBe(holder);
  });

  it.each<[string, Partial<ClaimCandidate>]>([
    ['its token is dead for 9 minutes', dead(9 * MINUTE)],
    ["its token has been another page's for 9 minutes", foreign(9 * MINUTE)],
    ['its token cannot be read', { proof: 'unproven' }],
    ['its app has no verdict', { app: 'undecided' }],
  ])('leaves the claim with its holder while %s and another one is proven', (_what, state) => {
    const decision = decideClaim(
      [one('a', { ...held(1), ...state }), one('b', { ...waiting, creationTimestamp: '2020-01-01T00:00:00Z' })],
      NOW,
    );

    expect(decision).toMatchObject({ holder: 'a', writes: [] });
  });

  it.each<[string, Partial<ClaimCandidate>]>([
    ['its token has been dead for 10 minutes', dead(10 * MINUTE)],
    ["its token has been another page's for 10 minutes", foreign(10 * MINUTE)],
    ['it is being deleted', { deleting: true }],
    ['another MessengerApp has the appId', { app: 'superseded' }],
  ])('hands the claim to a proven one when %s', (_what, state) => {
    const decision = decideClaim([one('a', { ...held(3), ...state }), one('b', waiting)], NOW);

    expect(decision.holder).toBe('b');
    expect(decision.writes).toEqual([
      { uid: 'b', state: 'Held', epoch: 4 },
      { uid: 'a', state: 'Waiting', epoch: 3 },
    ]);
  });

  it.each<[string, Partial<ClaimCandidate>]>([
    ['its token has been dead for a day', dead(24 * 60 * MINUTE)],
    ["its token has been another page's for a day", foreign(24 * 60 * MINUTE)],
    ['it is being deleted', { deleting: true }],
  ])('leaves the claim with its holder when %s and nobody else is proven', (_what, state) => {
    const decision = decideClaim([one('a', { ...held(3), ...state }), one('b', { ...waiting, proof: 'unproven' })], NOW);

    expect(decision.writes).toEqual([]);
  });

  it('refuses a holder whose consent was withdrawn and keeps its epoch', () => {
    expect(decideClaim([one('a', { ...held(2), consented: false })], NOW).writes).toEqual([{ uid: 'a', state: 'Refused', epoch: 2 }]);
  });

  it('tells nothing to a page that never had the consent', () => {
    expect(decideClaim([one('a', { consented: false })], NOW).writes).toEqual([]);
  });

  it('lets a refused one back in with a new epoch', () => {
    expect(decideClaim([one('a', { claim: { state: 'Refused', epoch: 2 } })], NOW).writes).toEqual([{ uid: 'a', state: 'Held', epoch: 3 }]);
  });

  it('settles two holders, which a crash left behind, for the higher epoch', () => {
    expect(decideClaim([one('a', held(1)), one('b', held(2))], NOW).writes).toEqual([{ uid: 'a', state: 'Waiting', epoch: 1 }]);
  });

  it('counts on from the highest epoch ever seen', () => {
    expect(decideClaim([one('a')], NOW, 7).writes).toEqual([{ uid: 'a', state: 'Held', epoch: 8 }]);
  });

  it.each<[string, readonly ClaimCandidate[], boolean]>([
    ['an older one has not been looked at', [one('b'), one('a', unseen)], true],
    ['a younger one has not been looked at', [one('a'), one('b', unseen)], false],
    ['the older one may not have it', [one('b'), one('a', { ...unseen, consented: false })], false],
    ['somebody holds it', [one('b', held(1)), one('a', unseen)], false],
  ])('says whether it is too early to decide a vacancy: %s', (_what, candidates, premature) => {
    expect(decideClaim(candidates, NOW).premature).toBe(premature);
  });

  it.each<[string, Partial<ClaimCandidate>, readonly ClaimWrite[]]>([
    ['a page whose proof is still to come', unseen, []],
    ['a page whose token proves nothing', { proof: 'unproven' }, [{ uid: 'a', state: 'Waiting', epoch: 0 }]],
    ['a page whose token is dead', dead(0), [{ uid: 'a', state: 'Waiting', epoch: 0 }]],
    ['a page that was refused before it was proven', { ...refused(0), ...unseen }, [{ uid: 'a', state: 'Waiting', epoch: 0 }]],
  ])('decides about a free key without a proven page: %s', (_what, state, writes) => {
    expect(decideClaim([one('a', state)], NOW).writes).toEqual(writes);
  });

  it('tells a page that it has to wait as soon as another one holds the key', () => {
    expect(decideClaim([one('a', unseen), one('b', held(1))], NOW).writes).toEqual([{ uid: 'a', state: 'Waiting', epoch: 0 }]);
  });

  it('says when a dead holder would lose it', () => {
    expect(decideClaim([one('a', { ...held(1), ...dead(4 * MINUTE) }), one('b')], NOW).recheckAfterMs).toBe(6 * MINUTE);
  });
});

const candidates = fc.uniqueArray(
  fc.record({
    uid: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
    namespace: fc.constantFrom('n1', 'n2'),
    name: fc.constantFrom('x', 'y', 'z'),
    creationTimestamp: fc.constantFrom('2025-01-01T00:00:00Z', '2026-01-01T00:00:00Z'),
    deleting: fc.boolean(),
    consented: fc.boolean(),
    app: fc.constantFrom('accepted', 'undecided', 'superseded'),
    proof: fc.constantFrom('proven', 'unproven', 'foreign', 'dead'),
    examined: fc.boolean(),
    pending: fc.boolean(),
    refutedSinceMs: fc.constantFrom(undefined, NOW - 5 * MINUTE, NOW - 11 * MINUTE),
    claim: fc.option(fc.record({ state: fc.constantFrom('Held', 'Waiting', 'Refused'), epoch: fc.nat(5) }), { nil: undefined }),
  }),
  { selector: ({ uid }) => uid, maxLength: 5 },
) as fc.Arbitrary<ClaimCandidate[]>;

function apply(all: readonly ClaimCandidate[], writes: readonly ClaimWrite[]): ClaimCandidate[] {
  return all.map((candidate) => {
    const write = writes.find(({ uid }) => uid === candidate.uid);
    return write === undefined ? candidate : { ...candidate, claim: { state: write.state, epoch: write.epoch } };
  });
}

/** Whom the webhook's replicas route to: of those that say Held, the highest epoch. */
function routed(all: readonly ClaimCandidate[]): string | undefined {
  const held = all.filter(({ claim }) => claim?.state === 'Held');
  return held.sort((a, b) => (b.claim?.epoch ?? 0) - (a.claim?.epoch ?? 0))[0]?.uid;
}

/** As `namespace/name` is unique in a cluster. */
const distinct = candidates.filter((all) => new Set(all.map(({ namespace, name }) => `${namespace}/${name}`)).size === all.length);

describe('decideClaim, for any candidates', () => {
  it('leaves at most one holder', () => {
    fc.assert(
      fc.property(distinct, (all) => {
        const after = apply(all, decideClaim(all, NOW).writes);
        expect(after.filter(({ claim }) => claim?.state === 'Held').length).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('writes nothing the second time', () => {
    fc.assert(
      fc.property(distinct, (all) => {
        const after = apply(all, decideClaim(all, NOW).writes);
        expect(decideClaim(after, NOW).writes).toEqual([]);
      }),
    );
  });

  it('decides the same whatever the order', () => {
    fc.assert(
      fc.property(distinct, (all) => {
        // Equal epochs of two holders cannot come to be: each new one counts on.
        const epochs = all.filter(({ claim }) => claim?.state === 'Held').map(({ claim }) => claim?.epoch);
        fc.pre(new Set(epochs).size === epochs.length);
        expect(decideClaim([...all].reverse(), NOW).holder).toBe(decideClaim(all, NOW).holder);
      }),
    );
  });

  it('never gives it newly to one that may not have it', () => {
    fc.assert(
      fc.property(distinct, (all) => {
        const taken = decideClaim(all, NOW).writes.find(({ state }) => state === 'Held');
        const taker = all.find(({ uid }) => uid === taken?.uid);
        if (taker === undefined) return;
        expect(taker).toMatchObject({ deleting: false, consented: true, app: 'accepted' });
        const reentered = taker.claim?.state === 'Refused' && taker.claim.epoch > 0 && taker.proof !== 'foreign';
        expect(taker.proof === 'proven' || reentered).toBe(true);
      }),
    );
  });

  it('routes to the new holder as soon as its first write is done, whatever crashes then', () => {
    fc.assert(
      fc.property(distinct, (all) => {
        const { writes, holder } = decideClaim(all, NOW);
        if (writes[0]?.state !== 'Held') return;
        for (let done = 1; done <= writes.length; done++) expect(routed(apply(all, writes.slice(0, done)))).toBe(holder);
      }),
    );
  });

  it('takes it first from who held it longest ago, or a crash in between would give it back', () => {
    const old = one('old', { deleting: true, ...held(1) });
    const last = one('last', { consented: false, ...held(2) });

    expect(decideClaim([last, old], NOW).writes.map(({ uid }) => uid)).toEqual(['old', 'last']);
    expect(decideClaim([old, last], NOW).writes.map(({ uid }) => uid)).toEqual(['old', 'last']);
  });

  it('comes to the same end from every crash between two writes', () => {
    fc.assert(
      fc.property(distinct, fc.nat(5), (all, done) => {
        const { writes, holder } = decideClaim(all, NOW);
        const crashed = apply(all, writes.slice(0, done));
        expect(decideClaim(crashed, NOW).holder).toBe(holder);
      }),
    );
  });
});
