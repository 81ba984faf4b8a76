import { randomBytes } from 'node:crypto';

/** What must not appear anywhere: a value and the name to speak of it. */
export interface Canary {
  readonly name: string;
  readonly value: string;
}

/** A text that was collected, and where from. */
export interface Specimen {
  readonly from: string;
  readonly text: string;
}

const CONTEXT = 60;
/** Characters that each encoding writes in another way. */
const AWKWARD = '"\\/+=&%<';
/** Those among them that may stand in a Bearer token (RFC 6750). */
export const AWKWARD_IN_BEARER = '/+~.-/+=';
const LENGTH = 40;

/**
 * A value of 40 printable characters that occurs nowhere else; the first 32 are plain, so found
 * whatever escapes follow.
 */
export function newCanary(name: string, awkward = AWKWARD): Canary {
  const plain = randomBytes(40)
    .toString('base64')
    .replace(/[^A-Za-z0-9]/g, '')
    .slice(0, LENGTH - awkward.length);
  return { name, value: `${plain}${awkward}` };
}

/**
 * Every place where a canary stands in a specimen: raw, URL-encoded, JSON-escaped, in base64 at
 * each of its three places in a longer text, or its plain part alone. Shares no code with the
 * operator, whose redaction it judges.
 */
export function findLeaks(specimens: readonly Specimen[], canaries: readonly Canary[]): readonly string[] {
  const searched = canaries.flatMap(({ name, value }) => [...formsOf(value)].map(([form, text]) => ({ name, form, text })));
  return specimens.flatMap(({ from, text }) =>
    searched
      .filter((one) => text.includes(one.text))
      .map(({ name, form, text: found }) => `${from}: ${name}, ${form}: …${around(text, found)}…`),
  );
}

/** Name of the form → the text to search for. */
export function formsOf(value: string): ReadonlyMap<string, string> {
  const url = encodeURIComponent(value);
  const json = JSON.stringify(value).slice(1, -1);
  const plain = /^[A-Za-z0-9._-]+/.exec(value)?.[0] ?? value;
  return new Map([
    ['raw', value],
    ['URL-encoded', url],
    ['URL-encoded in lower case', url.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase())],
    ['as a form', new URLSearchParams({ x: value }).toString().slice(2)],
    ['JSON-escaped', json],
    ['JSON-escaped as Meta does', json.replaceAll('/', '\\/')],
    ['JSON-escaped as Go does', json.replace(/[<>&]/g, (char) => `\\u00${char.charCodeAt(0).toString(16)}`)],
    ['JSON in JSON', JSON.stringify(json).slice(1, -1)],
    ...[0, 1, 2].flatMap((shift) => base64Forms(value, shift)),
    ...(plain.length >= 16 ? [['its plain part', plain] as const] : []),
  ]);
}

/** The characters that do not depend on what stands before and behind the value. */
function base64Forms(value: string, shift: number): readonly (readonly [string, string])[] {
  const bytes = Buffer.concat([Buffer.alloc(shift), Buffer.from(value)]);
  const certain = bytes.toString('base64').slice(shift === 0 ? 0 : 4, Math.floor(bytes.length / 3) * 4);
  return [
    [`base64 at ${shift}`, certain],
    [`base64url at ${shift}`, certain.replaceAll('+', '-').replaceAll('/', '_')],
  ];
}

/** What stands around it, the value itself left out. */
function around(text: string, found: string): string {
  const at = text.indexOf(found);
  const before = text.slice(Math.max(0, at - CONTEXT), at);
  return `${before}[${found.slice(0, 4)}…]${text.slice(at + found.length, at + found.length + CONTEXT)}`.replace(/\s+/g, ' ');
}
