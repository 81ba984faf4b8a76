import { isRecord } from '../kit/narrow.js';

/**
 * Parameters of a Graph call from query, form, JSON body or multipart, where Graph takes all kinds
 * of encodings for one value.
 */
export class Params {
  readonly #values: Map<string, unknown>;

  constructor(values: Iterable<readonly [string, unknown]> = []) {
    this.#values = new Map();
    for (const [name, value] of values) this.#add(name, value);
  }

  /** From a query string or a form body. `name[]` and `name[3]` make a list. */
  static fromForm(text: string): Params {
    return new Params(new URLSearchParams(text));
  }

  static fromObject(value: unknown): Params {
    return new Params(isRecord(value) ? Object.entries(value) : []);
  }

  /** This one's values and the others', the others winning. */
  with(others: Params): Params {
    const all = new Params();
    for (const [name, value] of [...this.#values, ...others.#values]) all.#values.set(name, value);
    return all;
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  names(): readonly string[] {
    return [...this.#values.keys()];
  }

  /** As text; numbers and booleans are written out; undefined for what is missing or an object. */
  text(name: string): string | undefined {
    const value = this.#values.get(name);
    if (typeof value === 'string') return value;
    return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
  }

  /** As it came from JSON, or parsed where it is text that holds JSON. */
  json(name: string): unknown {
    const value = this.#values.get(name);
    if (typeof value !== 'string') return value;
    try {
      return JSON.parse(value) as unknown;
    } catch {
      return value;
    }
  }

  /**
   * A list of names: a JSON array, JSON in a text, `name[]=` or joined by commas. undefined where
   * the parameter is missing.
   */
  list(name: string): readonly string[] | undefined {
    if (!this.has(name)) return undefined;
    const value = this.json(name);
    if (Array.isArray(value)) return value.map(String);
    return String(value)
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== '');
  }

  #add(rawName: string, value: unknown): void {
    const [, name, index] = /^([^[\]]+)\[(\d*)\]$/.exec(rawName) ?? [];
    if (name === undefined || index === undefined) {
      this.#values.set(rawName, value);
      return;
    }
    const old = this.#values.get(name);
    const list: unknown[] = Array.isArray(old) ? (old as unknown[]) : [];
    // `name[]=` with nothing behind it is how an empty list looks in a form.
    if (value !== '') list.push(value);
    this.#values.set(name, list);
  }
}
