import { Secret } from '../core/secrets/secret.js';

/** Takes known secrets and what looks like one out of a text. */
export type Redact = (text: string) => string;

/** What is left of any value once it may stand in a log line. */
export type LogValue = string | number | boolean | null | readonly LogValue[] | { readonly [name: string]: LogValue };

const MAX_DEPTH = 6;
const MAX_ITEMS = 50;
const MAX_TEXT = 4_096;
/** Redaction looks at this much: more than is shown, so that no secret is cut in two where the shown part ends. */
const MAX_REDACTED = 32_768;
const MAX_CAUSES = 5;

/**
 * Copies a value into something that JSON can hold: bounded in depth, items and text, every text redacted, circular
 * references and throwing getters named instead of followed. Never throws. undefined means that nothing is to be shown.
 */
export function logValue(value: unknown, redact: Redact): LogValue | undefined {
  return new Copier(redact).copy(value, 0);
}

/** One text as it may be shown: redacted, then cut. */
export function logText(text: string, redact: Redact): string {
  const clean = redact(text.length > MAX_REDACTED ? text.slice(0, MAX_REDACTED) : text);
  return clean.length > MAX_TEXT ? `${clean.slice(0, MAX_TEXT)}… (${text.length} characters)` : clean;
}

class Copier {
  readonly #redact: Redact;
  readonly #open = new Set<object>();

  constructor(redact: Redact) {
    this.#redact = redact;
  }

  copy(value: unknown, depth: number): LogValue | undefined {
    if (typeof value === 'string') return logText(value, this.#redact);
    if (typeof value === 'object') return value === null ? null : this.#guarded(value, depth);
    if (typeof value === 'symbol' || typeof value === 'function') return `[${typeof value}]`;
    return primitive(value as number | boolean | bigint | undefined);
  }

  #guarded(value: object, depth: number): LogValue {
    if (value instanceof Secret) return value.toString();
    if (this.#open.has(value)) return '[circular]';
    if (depth >= MAX_DEPTH) return '[deep]';
    this.#open.add(value);
    try {
      return this.#object(value, depth + 1);
    } catch {
      return '[unreadable]';
    } finally {
      this.#open.delete(value);
    }
  }

  #object(value: object, depth: number): LogValue {
    if (value instanceof Error) return this.#error(value, depth);
    if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `[${value.byteLength} bytes]`;
    if (Array.isArray(value) || value instanceof Set) return this.#items(value, depth);
    if (value instanceof Map) return this.#entries(value.entries(), depth);
    // Dates, URLs and whatever else says itself how it is written.
    if (hasToJson(value)) return this.copy(value.toJSON(), depth) ?? null;
    return this.#entries(Object.entries(value), depth);
  }

  #items(values: Iterable<unknown>, depth: number): LogValue {
    const items: LogValue[] = [];
    for (const value of values) {
      if (items.length === MAX_ITEMS) return [...items, '…'];
      items.push(this.copy(value, depth) ?? null);
    }
    return items;
  }

  #entries(entries: Iterable<readonly [unknown, unknown]>, depth: number): LogValue {
    const copy: Record<string, LogValue> = {};
    let left = MAX_ITEMS;
    for (const [name, value] of entries) {
      if (left-- === 0) return { ...copy, '…': true };
      const shown = this.copy(value, depth);
      if (shown !== undefined) copy[logText(String(name), this.#redact)] = shown;
    }
    return copy;
  }

  /** Named properties only: an error of a library carries its whole request, with the token, beside its message. */
  #error(error: Error, depth: number): LogValue {
    const { reason, graphText, code } = error as { readonly reason?: unknown; readonly graphText?: unknown; readonly code?: unknown };
    const shown: Record<string, LogValue> = { name: this.#plain(error.name), message: this.#plain(error.message) };
    if (typeof reason === 'string') shown['reason'] = this.#plain(reason);
    // An error with a reason was expected and says all in its sentence; of any other one the place is wanted.
    else if (typeof error.stack === 'string') shown['stack'] = this.#plain(error.stack);
    if (typeof graphText === 'string') shown['graphText'] = this.#plain(graphText);
    if (typeof code === 'string' || typeof code === 'number') shown['code'] = typeof code === 'string' ? this.#plain(code) : code;
    if (error instanceof AggregateError) shown['errors'] = this.#items(error.errors.slice(0, MAX_CAUSES), depth);
    if (error.cause !== undefined) shown['cause'] = this.copy(error.cause, depth) ?? null;
    return shown;
  }

  #plain(value: unknown): string {
    return logText(String(value), this.#redact);
  }
}

function primitive(value: number | boolean | bigint | undefined): LogValue | undefined {
  if (typeof value === 'bigint') return value.toString();
  return typeof value !== 'number' || Number.isFinite(value) ? value : String(value);
}

function hasToJson(value: object): value is { toJSON(): unknown } {
  return 'toJSON' in value && typeof value.toJSON === 'function';
}
