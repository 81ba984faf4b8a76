import { createHmac } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { hmacOf, type HmacAlgorithm } from '../../../../src/core/secrets/hmac.js';
import { Secret } from '../../../../src/core/secrets/secret.js';

const secret = (text: string) => new Secret('app-secret', text);
const algorithm = fc.constantFrom<HmacAlgorithm>('sha256', 'sha1');

describe('hmacOf', () => {
  it.each<[string, HmacAlgorithm, string]>([
    ['RFC 4231, case 2', 'sha256', '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843'],
    ['RFC 2202, case 2', 'sha1', 'effcdf6ae5eb2fa2d27416d5f184df9c259a7c79'],
  ])('agrees with %s', (_name, which, want) => {
    expect(hmacOf(which, secret('Jefe')).hex(Buffer.from('what do ya want for nothing?'))).toBe(want);
  });

  it("agrees with Node's own for any key and message, with one key used again and again", () => {
    const messages = fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(algorithm, fc.string({ maxLength: 200, unit: 'binary' }), messages, (which, key, bodies) => {
        const hmac = hmacOf(which, secret(key));
        for (const body of bodies) expect(hmac.hex(body)).toBe(createHmac(which, key).update(body).digest('hex'));
      }),
    );
  });

  it.each([0, 63, 64, 65, 65_535, 65_536, 65_537, 1_000_000])('agrees with it for a message of %i bytes', (length) => {
    const body = Buffer.alloc(length, 'äb');
    for (const key of ['k', 'k'.repeat(64), 'k'.repeat(65)]) {
      expect(hmacOf('sha256', secret(key)).hex(body)).toBe(createHmac('sha256', key).update(body).digest('hex'));
    }
  });

  it('prepares a secret once, for each algorithm apart, and prints nothing of it', () => {
    const key = secret('do-not-print');
    expect(hmacOf('sha1', key)).toBe(hmacOf('sha1', key));
    expect(hmacOf('sha1', key)).not.toBe(hmacOf('sha256', key));
    expect(JSON.stringify(hmacOf('sha1', key))).toBe('{}');
  });
});
