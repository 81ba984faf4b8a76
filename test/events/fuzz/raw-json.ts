/** A JSON value and where its bytes are in the text, which has one character a byte. */
export interface RawValue {
  readonly raw: string;
  /** Set for an object: its members as they come, repeated keys included. */
  readonly members?: readonly RawMember[];
  /** Set for an array. */
  readonly elements?: readonly RawValue[];
}

export interface RawMember {
  readonly key: string;
  /** Key, colon and value. */
  readonly raw: string;
  readonly value: RawValue;
}

const TOKEN = /[ \t\n\r]*("(?:[^"\\]|\\.)*"|[[\]{}:,]|[^\s[\]{}:,"]+)/y;
const DEEPEST = 256;

/**
 * Reads JSON in its own way: JavaScript's parser says whether it is JSON, this only finds where
 * everything begins and ends. undefined: not JSON, or nested more deeply than 256.
 */
export function rawJson(text: string): RawValue | undefined {
  try {
    JSON.parse(text);
  } catch {
    return undefined;
  }
  const tokens = tokensOf(text);
  return tokens === undefined ? undefined : new Reader(text, tokens).value();
}

interface Token {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

function tokensOf(text: string): readonly Token[] | undefined {
  const tokens: Token[] = [];
  let depth = 0;
  TOKEN.lastIndex = 0;
  for (let found = TOKEN.exec(text); found !== null; found = TOKEN.exec(text)) {
    const [, token = ''] = found;
    tokens.push({ text: token, start: TOKEN.lastIndex - token.length, end: TOKEN.lastIndex });
    if (token === '[' || token === '{') depth++;
    if (token === ']' || token === '}') depth--;
    if (depth > DEEPEST) return undefined;
  }
  return tokens;
}

class Reader {
  readonly #text: string;
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(text: string, tokens: readonly Token[]) {
    this.#text = text;
    this.#tokens = tokens;
  }

  value(): RawValue {
    const first = this.#take();
    if (first.text === '{') return this.#object(first.start);
    if (first.text === '[') return this.#array(first.start);
    return { raw: first.text };
  }

  #object(start: number): RawValue {
    const members: RawMember[] = [];
    for (;;) {
      const next = this.#take();
      if (next.text === '}') return { raw: this.#text.slice(start, next.end), members };
      if (next.text === ',') continue;
      this.#take();
      const value = this.value();
      members.push({ key: JSON.parse(next.text) as string, raw: this.#text.slice(next.start, this.#tokens[this.#at - 1]?.end), value });
    }
  }

  #array(start: number): RawValue {
    const elements: RawValue[] = [];
    for (;;) {
      const next = this.#take();
      if (next.text === ']') return { raw: this.#text.slice(start, next.end), elements };
      if (next.text === ',') continue;
      this.#at--;
      elements.push(this.value());
    }
  }

  #take(): Token {
    const token = this.#tokens[this.#at++];
    if (token === undefined) throw new Error('the tokens of valid JSON came to an end too early');
    return token;
  }
}

/** The value of a key: the last one, as every parser takes it. */
export function lastOf(value: RawValue | undefined, key: string): RawValue | undefined {
  return value?.members?.findLast((member) => member.key === key)?.value;
}

/** A string's value. */
export function textIn(value: RawValue | undefined): string | undefined {
  return value?.raw.startsWith('"') === true ? (JSON.parse(value.raw) as string) : undefined;
}

/** A string's value, or a number as it is written. */
export function idIn(value: RawValue | undefined): string | undefined {
  return value !== undefined && /^[-0-9]/.test(value.raw) ? value.raw : textIn(value);
}
