import { secretForms } from './secret-forms.js';
import type { Secret } from './secret.js';

const REDACTED = '[redacted]';
const DEFAULT_MAX = 256;
const DEFAULT_MAX_SECRETS = 20_000;
/** Of a longer text only the beginning is looked at: enough for 256 characters of it, bounded for a body of megabytes. */
const MAX_INPUT = 16_384;

/** What looks like a credential though nobody told us its value. */
const PATTERNS: readonly (readonly [RegExp, string])[] = [
  [/EAA[A-Za-z0-9]{8,}/g, REDACTED],
  [
    /((?:access_token|appsecret_proof|client_secret|input_token|fb_exchange_token|verify_token)(?:=|%3D|\\?"\s*:\s*\\?"))[^&\s"'\\<>]+/gi,
    `$1${REDACTED}`,
  ],
  [/\b\d{5,20}(?:\||%7C)[A-Za-z0-9_-]{6,}/gi, REDACTED],
  [/\b((?:Bearer|OAuth)\s+)(?!")[A-Za-z0-9|%._~+/=-]{8,}/g, `$1${REDACTED}`],
];

interface Known {
  readonly forms: readonly string[];
  holders: number;
}

/**
 * Makes a text of foreign origin fit to be shown: every known secret value in raw, URL-encoded, JSON-escaped and base64 form
 * and everything that looks like a credential becomes `[redacted]`, control characters go, what is left is cut to `max`.
 */
export class Redactor {
  readonly #max: number;
  readonly #maxSecrets: number;
  readonly #known = new Map<string, Known>();

  constructor(options: { readonly max?: number; readonly maxSecrets?: number } = {}) {
    this.#max = options.max ?? DEFAULT_MAX;
    this.#maxSecrets = options.maxSecrets ?? DEFAULT_MAX_SECRETS;
  }

  /** How many values are known. */
  get size(): number {
    return this.#known.size;
  }

  /** From now on this value is replaced. Added twice, it has to be removed twice. Over the bound the oldest value is forgotten. */
  add(secret: Secret): void {
    const value = secret.reveal();
    if (value === '') return;
    const known = this.#known.get(value);
    if (known !== undefined) {
      known.holders += 1;
      return;
    }
    this.#known.set(value, { forms: secretForms(value), holders: 1 });
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= this.#maxSecrets) break;
      this.#known.delete(oldest);
    }
  }

  remove(secret: Secret): void {
    const value = secret.reveal();
    const known = this.#known.get(value);
    if (known === undefined) return;
    known.holders -= 1;
    if (known.holders === 0) this.#known.delete(value);
  }

  /** The text without secrets. `also`: values of this very call, which nobody has to have added. */
  text(text: string, also: readonly (Secret | undefined)[] = []): string {
    const seen = withoutControls(beginningOf(text));
    const found = this.#formsIn(seen, also).sort((a, b) => b.length - a.length);
    // Longest first: a secret that begins with another one would leave its end behind.
    let clean = found.reduce((left, form) => left.replaceAll(form, REDACTED), seen);
    for (const [pattern, replacement] of PATTERNS) clean = clean.replace(pattern, replacement);
    return cut(clean, this.#max);
  }

  #formsIn(text: string, also: readonly (Secret | undefined)[]): string[] {
    const found: string[] = [];
    for (const { forms } of this.#known.values()) found.push(...forms.filter((form) => text.includes(form)));
    for (const secret of also) {
      if (secret !== undefined) found.push(...secretForms(secret.reveal()).filter((form) => text.includes(form)));
    }
    return found;
  }
}

/** A cut may go through the middle of a secret, whose first half nothing would recognise: the word at the cut goes as a whole. */
function beginningOf(text: string): string {
  return text.length <= MAX_INPUT ? text : text.slice(0, MAX_INPUT).replace(/[^\s]*$/, '');
}

/** Line breaks and tabs become one blank; other control and invisible format characters vanish (they could split a secret). */
function withoutControls(text: string): string {
  return text
    .replace(/[\r\n\t\u2028\u2029]+/g, ' ')
    .replace(/[\p{Cc}\p{Cf}]/gu, '')
    .trim();
}

function cut(text: string, max: number): string {
  return text.length <= max ? text : `${text.slice(0, max - 1).replace(/[\ud800-\udbff]$/, '')}…`;
}
