import { generateKeyPairSync, sign, type JsonWebKey, type KeyObject } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { Secret } from '../../../src/core/secrets/secret.js';
import { IssuerKeys, type TokenIssuer } from '../../../src/pages-api/issuer-keys.js';
import { silentLogger } from '../../../src/kit/log.js';
import { FakeClock } from '../../support/fake-clock.js';

const ISSUER = 'https://kubernetes.default.svc';
const rsa = generateKeyPairSync('rsa', { modulusLength: 2_048 });
const other = generateKeyPairSync('rsa', { modulusLength: 2_048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });

const jwk = (kid: string, key: KeyObject): JsonWebKey => ({ ...key.export({ format: 'jwk' }), kid, use: 'sig' });
const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

interface Signing {
  readonly key?: KeyObject;
  readonly alg?: string;
  readonly kid?: string;
  readonly iss?: string;
}

function aToken({ key = rsa.privateKey, alg = 'RS256', kid = 'rsa', iss = ISSUER }: Signing = {}): Secret {
  const signed = `${part({ alg, kid })}.${part({ iss, sub: 'bot' })}`;
  const signature = sign('sha256', Buffer.from(signed), { key, dsaEncoding: 'ieee-p1363' });
  return new Secret('bearer', `${signed}.${signature.toString('base64url')}`);
}

function cut(token: Secret): Secret {
  return new Secret('bearer', token.reveal().slice(0, -10));
}

function setUp() {
  const clock = new FakeClock();
  const cluster: { answer: TokenIssuer | undefined; down: boolean; fetches: number } = {
    answer: { issuer: ISSUER, keys: [jwk('rsa', rsa.publicKey), jwk('ec', ec.publicKey)] },
    down: false,
    fetches: 0,
  };
  const fetch = (): Promise<TokenIssuer | undefined> => {
    cluster.fetches += 1;
    return cluster.down ? Promise.reject(new Error('away')) : Promise.resolve(cluster.answer);
  };
  return { clock, cluster, keys: new IssuerKeys({ fetch, clock, log: silentLogger }) };
}

describe('IssuerKeys', () => {
  it.each([
    ['signed by the cluster with RSA', aToken(), 'genuine'],
    ['signed by the cluster with an elliptic curve', aToken({ key: ec.privateKey, alg: 'ES256', kid: 'ec' }), 'genuine'],
    ['signed by another key under the name of ours', aToken({ key: other.privateKey }), 'forged'],
    ['with another kind of signature than its key makes', aToken({ alg: 'ES256' }), 'forged'],
    ['whose signature no key of that kind makes', cut(aToken({ key: ec.privateKey, alg: 'ES256', kid: 'ec' })), 'forged'],
    ['that says it needs no signature', aToken({ alg: 'none' }), 'forged'],
    ['with an algorithm from the object prototype', aToken({ alg: 'constructor' }), 'forged'],
    ['signed by a key that the cluster does not have', aToken({ key: other.privateKey, kid: 'other' }), 'forged'],
    ['of another issuer, which the cluster may accept too', aToken({ iss: 'https://old.example' }), 'unchecked'],
    ['that is no JWT', new Secret('bearer', 'abc'), 'forged'],
  ] as const)('takes a token %s for what it is', async (_what, token, want) => {
    const { keys } = setUp();
    expect(await keys.check(token)).toBe(want);
  });

  it('asks once for the keys, however many tokens there are', async () => {
    const { keys, cluster } = setUp();
    await Promise.all(Array.from({ length: 50 }, () => keys.check(aToken())));
    await keys.check(aToken());
    expect(cluster.fetches).toBe(1);
  });

  it('learns a new key when a token is signed with it, and does not ask more than every ten seconds', async () => {
    const { keys, cluster, clock } = setUp();
    await keys.check(aToken());
    cluster.answer = { issuer: ISSUER, keys: [jwk('other', other.publicKey)] };
    const renewed = aToken({ key: other.privateKey, kid: 'other' });

    expect(await keys.check(renewed)).toBe('unchecked');
    for (let n = 0; n < 20; n++) expect(await keys.check(aToken({ kid: `invented-${n}` }))).toBe('unchecked');
    expect(cluster.fetches).toBe(1);
    await clock.advance(10_001);
    expect(await keys.check(renewed)).toBe('genuine');
    expect(cluster.fetches).toBe(2);
  });

  it('leaves everything to the reviews where the cluster does not show its keys, and looks again later', async () => {
    const { keys, cluster, clock } = setUp();
    const shown = cluster.answer;
    cluster.answer = undefined;
    expect(await keys.check(aToken({ key: other.privateKey }))).toBe('unchecked');
    cluster.answer = shown;
    await clock.advance(10_001);
    expect(await keys.check(aToken({ key: other.privateKey }))).toBe('forged');
  });

  it('goes on with the keys that it has while the API server is away', async () => {
    const { keys, cluster, clock } = setUp();
    await keys.check(aToken());
    cluster.down = true;
    await clock.advance(60_000);

    expect(await keys.check(aToken())).toBe('genuine');
    expect(await keys.check(aToken({ key: other.privateKey }))).toBe('forged');
    expect(await keys.check(aToken({ kid: 'newer' }))).toBe('unchecked');
  });

  it('waits two seconds at most for keys', async () => {
    const clock = new FakeClock();
    const fetch = (signal: AbortSignal): Promise<undefined> =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          reject(new Error('late'));
        });
      });
    const checked = new IssuerKeys({ fetch, clock, log: silentLogger }).check(aToken());
    await clock.advance(2_001);
    expect(await checked).toBe('unchecked');
  });
});
