import { Secret } from '../core/secrets/secret.js';

/**
 * Where a text of a log line comes from, and so which known secret values may be taken out of it:
 * - `identity`: which object a line is about. None: a tenant's Secret that holds an ordinary word
 *   must not blank the names of others.
 * - `own`: our own words. Those that cannot be guessed.
 * - `foreign`: an error, which may repeat anything. All.
 *
 * What looks like a credential goes in any case.
 */
export type TextOrigin = 'identity' | 'own' | 'foreign';

/** Takes known secrets and what looks like one out of a text. */
export type Redact = (text: string, origin: TextOrigin) => string;

/** What is left of any value once it may stand in a log line. */
export type LogValue = string | number | boolean | null | readonly LogValue[] | { readonly [name: string]: LogValue };

const MAX_DEPTH = 6;
const MAX_ITEMS = 50;
const MAX_TEXT = 4_096;
/**
 * Redaction looks at this much: more than is shown, so that no secret is cut in two where the shown
 * part ends.
 */
const MAX_REDACTED = 32_768;
const MAX_CAUSES = 5;

/** Fields that say which object a line is about. */
const IDENTITY_FIELDS: ReadonlySet<string> = new Set([
  ...['app', 'appId', 'controller', 'deployment', 'from', 'holder', 'identity', 'key', 'name', 'namespace', 'object'],
  ...['page', 'pageId', 'resource', 'to', 'traceId', 'uid'],
]);
/**
 * `name`, `namespace/name` or an id, perhaps behind its kind. No token of Facebook's looks like
 * this.
 */
const IDENTITY = /^(?:[A-Za-z]{1,64} )?[a-z0-9][a-z0-9.-]{0,252}(?:\/[a-z0-9][a-z0-9.-]{0,252})?$/;
/** Fields whose sentence repeats what a stranger wrote: a part of a manifest, an answer. */
const FOREIGN_FIELDS: ReadonlySet<string> = new Set(['problem', 'because', 'graph']);

/**
 * Copies a value into something that JSON can hold: bounded in depth, items and text, every text
 * redacted, circular references and throwing getters named instead of followed. Never throws.
 * undefined means that nothing is to be shown.
 */
export function logValue(value: unknown, redact: Redact): LogValue | undefined {
  return new Copier(redact).copy(value, { depth: 0, field: '', foreign: false });
}

/** One text as it may be shown: redacted, then cut. */
export function logText(text: string, redact: Redact, origin: TextOrigin): string {
  const clean = redact(text.length > MAX_REDACTED ? text.slice(0, MAX_REDACTED) : text, origin);
  return clean.length > MAX_TEXT ? `${clean.slice(0, MAX_TEXT)}… (${text.length} characters)` : clean;
}

/** Where in a line a value stands: the nearest field's name, and whether it is part of an error. */
interface Place {
  readonly depth: number;
  readonly field: string;
  readonly foreign: boolean;
}

function originOf(text: string, { field, foreign }: Place): TextOrigin {
  if (foreign || FOREIGN_FIELDS.has(field)) return 'foreign';
  return IDENTITY_FIELDS.has(field) && IDENTITY.test(text) ? 'identity' : 'own';
}

class Copier {
  readonly #redact: Redact;
  readonly #open = new Set<object>();

  constructor(redact: Redact) {
    this.#redact = redact;
  }

  copy(value: unknown, place: Place): LogValue | undefined {
    if (typeof value === 'string') return logText(value, this.#redact, originOf(value, place));
    if (typeof value === 'object') return value === null ? null : this.#guarded(value, place);
    if (typeof value === 'symbol' || typeof value === 'function') return `[${typeof value}]`;
    return primitive(value as number | boolean | bigint | undefined);
  }

  #guarded(value: object, place: Place): LogValue {
    if (value instanceof Secret) return value.toString();
    if (this.#open.has(value)) return '[circular]';
    if (place.depth >= MAX_DEPTH) return '[deep]';
    this.#open.add(value);
    try {
      return this.#object(value, { ...place, depth: place.depth + 1 });
    } catch {
      return '[unreadable]';
    } finally {
      this.#open.delete(value);
    }
  }

  #object(value: object, place: Place): LogValue {
    if (value instanceof Error) return this.#error(value, { ...place, foreign: true });
    if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `[${value.byteLength} bytes]`;
    if (Array.isArray(value) || value instanceof Set) return this.#items(value, place);
    if (value instanceof Map) return this.#entries(value.entries(), place);
    // Dates, URLs and whatever else says itself how it is written.
    if (hasToJson(value)) return this.copy(value.toJSON(), place) ?? null;
    return this.#entries(Object.entries(value), place);
  }

  #items(values: Iterable<unknown>, place: Place): LogValue {
    const items: LogValue[] = [];
    for (const value of values) {
      if (items.length === MAX_ITEMS) return [...items, '…'];
      items.push(this.copy(value, place) ?? null);
    }
    return items;
  }

  #entries(entries: Iterable<readonly [unknown, unknown]>, place: Place): LogValue {
    const copy: Record<string, LogValue> = {};
    let left = MAX_ITEMS;
    for (const [name, value] of entries) {
      if (left-- === 0) return { ...copy, '…': true };
      const field = String(name);
      const shown = this.copy(value, { ...place, field });
      if (shown !== undefined) copy[logText(field, this.#redact, place.foreign ? 'foreign' : 'own')] = shown;
    }
    return copy;
  }

  /**
   * Named properties only: an error of a library carries its whole request, with the token, beside
   * its message.
   */
  #error(error: Error, place: Place): LogValue {
    const { reason, graphText, code } = error as { readonly reason?: unknown; readonly graphText?: unknown; readonly code?: unknown };
    const shown: Record<string, LogValue> = { name: this.#plain(error.name, 'own'), message: this.#plain(error.message) };
    if (typeof reason === 'string') shown['reason'] = this.#plain(reason, 'own');
    // An error with a reason was expected and says all in its sentence; of any other one the place
    // is wanted.
    else if (typeof error.stack === 'string') shown['stack'] = this.#plain(error.stack);
    if (typeof graphText === 'string') shown['graphText'] = this.#plain(graphText);
    if (typeof code === 'string' || typeof code === 'number') shown['code'] = typeof code === 'string' ? this.#plain(code, 'own') : code;
    if (error instanceof AggregateError) shown['errors'] = this.#items(error.errors.slice(0, MAX_CAUSES), place);
    if (error.cause !== undefined) shown['cause'] = this.copy(error.cause, place) ?? null;
    return shown;
  }

  #plain(value: unknown, origin: TextOrigin = 'foreign'): string {
    return logText(String(value), this.#redact, origin);
  }
}

function primitive(value: number | boolean | bigint | undefined): LogValue | undefined {
  if (typeof value === 'bigint') return value.toString();
  return typeof value !== 'number' || Number.isFinite(value) ? value : String(value);
}

function hasToJson(value: object): value is { toJSON(): unknown } {
  return 'toJSON' in value && typeof value.toJSON === 'function';
}
