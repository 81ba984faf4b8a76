const REDACTED = '[redacted]';

export type SecretKind = 'page-token' | 'app-secret' | 'verify-token' | 'signing-secret' | 'bot-key' | 'bearer';

/**
 * A secret value: a page token, an app secret, … It prints as `[redacted]` wherever it is logged,
 * joined, inspected or serialised by accident.
 */
export class Secret {
  readonly kind: SecretKind;
  readonly #value: string;

  constructor(kind: SecretKind, value: string) {
    this.kind = kind;
    this.#value = value;
  }

  /**
   * The only way to the value. Called by the Graph transport, the signer and the Pages API's
   * answer, nowhere else.
   */
  reveal(): string {
    return this.#value;
  }

  /** Whether both hold the same value. */
  equals(other: Secret | undefined): boolean {
    return other !== undefined && other.#value === this.#value;
  }

  toString(): string {
    return REDACTED;
  }

  toJSON(): string {
    return REDACTED;
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return REDACTED;
  }
}
