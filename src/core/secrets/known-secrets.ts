import { FormIndex } from './form-index.js';
import { secretForms } from './secret-forms.js';
import type { Secret } from './secret.js';

/** A piece of a text, `end` exclusive. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/**
 * Which of the known values a text is searched for: `all`; only those that cannot be `guessed`,
 * since a tenant who makes a Secret of an ordinary word must not take that word out of what is said
 * about others; or `none`.
 */
export type SearchedValues = 'all' | 'unguessable' | 'none';

/** Forms longer than any text that is searched need no place. */
const MAX_FORM = 16_384;
const MIN_FORMER = 20_000;
/** What Facebook gives out is at least this long; so is what a password generator makes. */
const SURELY_SECRET_LENGTH = 32;
const MIN_UNGUESSABLE_LENGTH = 16;

interface Known {
  /** In the index. */
  readonly id: number;
  readonly value: string;
  readonly guessable: boolean;
  holders: number;
}

/**
 * The secret values that this process has read, in all forms in which they may stand in a text.
 * Values in use have no bound of their own: there are as many as Secrets are referred to. Of values
 * that are no longer in use it keeps as many again (20,000 at least) and forgets the oldest first.
 */
export class KnownSecrets {
  readonly #index = new FormIndex();
  readonly #byId = new Map<number, Known>();
  readonly #inUse = new Map<string, Known>();
  readonly #former = new Map<string, Known>();
  readonly #minFormer: number;
  #nextId = 0;

  constructor({ minFormer = MIN_FORMER }: { readonly minFormer?: number } = {}) {
    this.#minFormer = minFormer;
  }

  /** How many values are known, in use or not. */
  get size(): number {
    return this.#inUse.size + this.#former.size;
  }

  /** The value is in use from now on. Added twice, it has to be removed twice. */
  add(secret: Secret): void {
    const value = secret.reveal();
    if (value === '') return;
    const known = this.#inUse.get(value) ?? this.#former.get(value) ?? this.#learn(value);
    known.holders += 1;
    this.#former.delete(value);
    this.#inUse.set(value, known);
  }

  /** The value is no longer in use. It is still found, until newer ones take its place. */
  remove(secret: Secret): void {
    const value = secret.reveal();
    const known = this.#inUse.get(value);
    if (known === undefined) return;
    known.holders -= 1;
    if (known.holders > 0) return;
    this.#inUse.delete(value);
    this.#former.set(value, known);
    this.#forgetOldest();
  }

  /** Whether a search for these values finds this one. */
  covers(secret: Secret, values: SearchedValues): boolean {
    const known = this.#inUse.get(secret.reveal()) ?? this.#former.get(secret.reveal());
    return known !== undefined && values !== 'none' && (values === 'all' || !known.guessable);
  }

  /** Every place where a known value stands in the text, in any of its forms, in no order. */
  spansIn(text: string, values: SearchedValues): Span[] {
    const spans: Span[] = [];
    if (values === 'none') return spans;
    const formsOf = new Map<Known, ReadonlySet<string>>();
    this.#index.search(text, (start, end, id) => {
      const known = this.#byId.get(id);
      if (known === undefined || (values === 'unguessable' && known.guessable)) return;
      const forms = formsOf.get(known) ?? new Set(secretForms(known.value));
      formsOf.set(known, forms);
      if (forms.has(text.slice(start, end))) spans.push({ start, end });
    });
    return spans;
  }

  #learn(value: string): Known {
    const known: Known = { id: this.#nextId++, value, guessable: isGuessable(value), holders: 0 };
    this.#byId.set(known.id, known);
    for (const form of indexedForms(value)) this.#index.add(form, known.id);
    return known;
  }

  #forgetOldest(): void {
    for (const [value, { id }] of this.#former) {
      if (this.#former.size <= Math.max(this.#minFormer, this.#inUse.size)) return;
      this.#former.delete(value);
      this.#byId.delete(id);
      for (const form of indexedForms(value)) this.#index.remove(form, id);
    }
  }
}

function indexedForms(value: string): readonly string[] {
  return secretForms(value).filter(({ length }) => length <= MAX_FORM);
}

/** Whether it could be a word, a name or a number: it is short, or has letters or digits alone. */
function isGuessable(value: string): boolean {
  if (value.length >= SURELY_SECRET_LENGTH) return false;
  return value.length < MIN_UNGUESSABLE_LENGTH || !/[A-Za-z]/.test(value) || !/\d/.test(value);
}
