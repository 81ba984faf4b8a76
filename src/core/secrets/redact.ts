import { KnownSecrets, type SearchedValues, type Span } from './known-secrets.js';
import { secretForms } from './secret-forms.js';
import type { Secret } from './secret.js';

const REDACTED = '[redacted]';
const DEFAULT_MAX = 256;
/**
 * Of a longer text only the beginning is looked at: enough for 256 characters of it, bounded for a
 * body of megabytes.
 */
const MAX_INPUT = 16_384;

/** What looks like a credential although its value is not known. */
const PATTERNS: readonly (readonly [RegExp, string])[] = [
  [/EAA[A-Za-z0-9]{8,}/g, REDACTED],
  [
    /((?:access_token|appsecret_proof|client_secret|input_token|fb_exchange_token|verify_token)(?:=|%3D|\\?"\s*:\s*\\?"))[^&\s"'\\<>]+/gi,
    `$1${REDACTED}`,
  ],
  [/\b\d{5,20}(?:\||%7C)[A-Za-z0-9_-]{6,}/gi, REDACTED],
  [/\b((?:Bearer|OAuth)\s+)(?!")[A-Za-z0-9|%._~+/=-]{8,}/g, `$1${REDACTED}`],
];

/**
 * Makes a text of foreign origin fit to be shown: every known secret value in raw, URL-encoded,
 * JSON-escaped and base64 form and everything that looks like a credential becomes `[redacted]`,
 * control characters go, what is left is cut to `max` (256 characters).
 */
export class Redactor {
  readonly #max: number;
  readonly #known: KnownSecrets;

  constructor(options: { readonly max?: number; readonly known?: KnownSecrets } = {}) {
    this.#max = options.max ?? DEFAULT_MAX;
    this.#known = options.known ?? new KnownSecrets();
  }

  /**
   * The text without secrets.
   * @param also values of this very call, taken out whether they are known or not
   * @param values which of the known values are taken out: all of a foreign text, fewer of our own
   */
  text(text: string, also: readonly (Secret | undefined)[] = [], values: SearchedValues = 'all'): string {
    const seen = withoutControls(beginningOf(text));
    const spans = this.#known.spansIn(seen, values);
    for (const secret of also) {
      if (secret !== undefined && !this.#known.covers(secret, values)) spans.push(...spansOf(seen, secretForms(secret.reveal())));
    }
    let clean = without(seen, spans);
    for (const [pattern, replacement] of PATTERNS) clean = clean.replace(pattern, replacement);
    return cut(clean, this.#max);
  }
}

function spansOf(text: string, forms: readonly string[]): Span[] {
  const spans: Span[] = [];
  for (const form of forms) {
    for (let start = text.indexOf(form); start >= 0; start = text.indexOf(form, start + 1)) {
      spans.push({ start, end: start + form.length });
    }
  }
  return spans;
}

/**
 * Spans that overlap go together: of two secrets that share a piece of the text nothing is left.
 */
function without(text: string, spans: Span[]): string {
  if (spans.length === 0) return text;
  spans.sort((a, b) => a.start - b.start || b.end - a.end);
  let clean = '';
  let end = 0;
  for (const span of spans) {
    if (span.start >= end) clean += text.slice(end, span.start) + REDACTED;
    end = Math.max(end, span.end);
  }
  return clean + text.slice(end);
}

/**
 * A cut may go through the middle of a secret, whose first half nothing would recognise: the word
 * at the cut goes whole.
 */
function beginningOf(text: string): string {
  if (text.length <= MAX_INPUT) return text;
  let end = MAX_INPUT;
  while (end > 0 && !/\s/.test(text.charAt(end - 1))) end -= 1;
  return text.slice(0, end);
}

/**
 * Line breaks and tabs become one blank; other control and invisible format characters vanish (they
 * could split a secret).
 */
function withoutControls(text: string): string {
  if (!/[^ -~]/.test(text)) return text.trim();
  return text
    .replace(/[\r\n\t\u2028\u2029]+/g, ' ')
    .replace(/[\p{Cc}\p{Cf}]/gu, '')
    .trim();
}

function cut(text: string, max: number): string {
  return text.length <= max ? text : `${text.slice(0, max - 1).replace(/[\ud800-\udbff]$/, '')}…`;
}
