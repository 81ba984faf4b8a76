import { hash } from 'node:crypto';
import type { Secret } from './secret.js';

export type HmacAlgorithm = 'sha256' | 'sha1';

/** Of both algorithms. */
const BLOCK_BYTES = 64;
const DIGEST_BYTES: Readonly<Record<HmacAlgorithm, number>> = { sha256: 32, sha1: 20 };
/** Longer messages get a buffer of their own; nearly all of Meta's are far shorter. */
const SCRATCH_BYTES = 64 * 1_024;
const scratch = Buffer.alloc(BLOCK_BYTES + SCRATCH_BYTES);

/**
 * HMAC (RFC 2104) with one key, prepared once. It costs half of `createHmac`, which makes a native
 * object for each message that the garbage collector has to take apart again; here a message is two
 * calls of the one-shot hash.
 */
export class Hmac {
  readonly #algorithm: HmacAlgorithm;
  readonly #inner: Buffer;
  /** The outer block, and room for the inner digest behind it. */
  readonly #outer: Buffer;

  constructor(algorithm: HmacAlgorithm, key: Secret) {
    const bytes = Buffer.from(key.reveal());
    const block = Buffer.alloc(BLOCK_BYTES);
    if (bytes.length > BLOCK_BYTES) hash(algorithm, bytes, 'buffer').copy(block);
    else bytes.copy(block);
    this.#algorithm = algorithm;
    this.#inner = Buffer.from(block.map((byte) => byte ^ 0x36));
    this.#outer = Buffer.alloc(BLOCK_BYTES + DIGEST_BYTES[algorithm]);
    this.#outer.set(block.map((byte) => byte ^ 0x5c));
  }

  /** The digest of `message`, in lower-case hex. */
  hex(message: Uint8Array): string {
    const length = BLOCK_BYTES + message.length;
    const buffer = length <= scratch.length ? scratch.subarray(0, length) : Buffer.allocUnsafe(length);
    buffer.set(this.#inner);
    buffer.set(message, BLOCK_BYTES);
    this.#outer.write(hash(this.#algorithm, buffer, 'binary'), BLOCK_BYTES, 'latin1');
    return hash(this.#algorithm, this.#outer, 'hex');
  }
}

const prepared: Readonly<Record<HmacAlgorithm, WeakMap<Secret, Hmac>>> = { sha256: new WeakMap(), sha1: new WeakMap() };

/** The HMAC with this secret; as long as the secret lives it is prepared once. */
export function hmacOf(algorithm: HmacAlgorithm, secret: Secret): Hmac {
  let hmac = prepared[algorithm].get(secret);
  if (hmac === undefined) {
    hmac = new Hmac(algorithm, secret);
    prepared[algorithm].set(secret, hmac);
  }
  return hmac;
}
