import { Secret, type SecretKind } from './secret.js';

export type SecretValue = { readonly ok: true; readonly secret: Secret } | { readonly ok: false; readonly problem: string };

/**
 * Takes a value out of a Secret's data. One trailing newline is removed (`echo` adds it); any other blank or control
 * character, or nothing at all, is a problem that is named without the value.
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
  return { ok: true, secret: new Secret(kind, text) };
}
