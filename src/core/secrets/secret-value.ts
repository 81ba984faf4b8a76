import { Secret, type SecretKind } from './secret.js';

export type SecretValue = { readonly ok: true; readonly secret: Secret } | { readonly ok: false; readonly problem: string };

/**
 * A shorter value can be guessed. It also cannot be redacted: it is part of any text, and the gaps
 * would reveal it.
 */
const MIN_SECRET_LENGTH = 6;

/**
 * Takes a value out of a Secret's data. One trailing newline is removed (`echo` adds it); any other
 * blank or control character, or fewer than six characters, is a problem that is named without the
 * value.
 */
export function secretValue(kind: SecretKind, raw: Uint8Array): SecretValue {
  const text = Buffer.from(raw)
    .toString('utf8')
    .replace(/\r?\n$/, '');
  if (text === '') return { ok: false, problem: 'is empty' };
  const at = /[\s\p{Cc}\uFFFD\uFEFF]/u.exec(text)?.index;
  if (at !== undefined) {
    return { ok: false, problem: `has a blank or an unprintable character at position ${at + 1} of ${text.length}` };
  }
  if (text.length < MIN_SECRET_LENGTH)
    return { ok: false, problem: `has fewer than ${MIN_SECRET_LENGTH} characters, too few for a secret` };
  return { ok: true, secret: new Secret(kind, text) };
}
