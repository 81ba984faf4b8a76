/** Nested deeper than this is refused. Meta's deepest event has about ten levels. */
export const MAX_DEPTH = 256;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_OBJECT = 0x7b;
export const CLOSE_OBJECT = 0x7d;
const OPEN_ARRAY = 0x5b;
export const CLOSE_ARRAY = 0x5d;
type Closing = typeof CLOSE_OBJECT | typeof CLOSE_ARRAY;
const MINUS = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;
const LETTER_U = 0x75;
const SIMPLE_ESCAPES: ReadonlySet<number> = new Set(Buffer.from('"\\/bfnrt'));

/** The keys that a reader wants, found without making a string of every key that passes. */
export class WantedKeys {
  /** By length. */
  readonly #keys: string[][] = [];

  constructor(keys: readonly string[]) {
    for (const key of keys) (this.#keys[key.length] ??= []).push(key);
  }

  /** The wanted key whose characters these bytes are. */
  find(bytes: Buffer, start: number, end: number): string | undefined {
    const candidates = this.#keys[end - start];
    if (candidates === undefined) return undefined;
    for (const key of candidates) {
      let i = 0;
      while (i < key.length && key.charCodeAt(i) === bytes[start + i]) i++;
      if (i === key.length) return key;
    }
    return undefined;
  }
}

/** The bytes are not JSON (RFC 8259). */
export class NotJsonError extends Error {}

/**
 * Walks raw JSON bytes, checks them wholly against RFC 8259 and knows where each value begins and
 * ends. Makes no values: a caller takes ranges and the few texts it needs. Bytes above 0x7f in
 * strings are passed over as they are, so invalid UTF-8 and lone surrogates are no errors (a bot's
 * parser replaces them; we do not decide that for it). Every method expects the cursor on the first
 * byte of what it reads, and leaves it behind the last.
 * @throws NotJsonError, from every method
 */
export class JsonCursor {
  readonly bytes: Buffer;
  pos = 0;
  #depth = 0;
  readonly #wanted: WantedKeys;

  constructor(bytes: Buffer, wanted: WantedKeys) {
    this.bytes = bytes;
    this.#wanted = wanted;
  }

  fail(): never {
    throw new NotJsonError(`not JSON at byte ${this.pos}`);
  }

  /** Passes over blanks and returns the byte behind them; -1 at the end. */
  peek(): number {
    const { bytes } = this;
    let at = this.pos;
    let byte = bytes[at];
    while (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) byte = bytes[++at];
    this.pos = at;
    return byte ?? -1;
  }

  get atObject(): boolean {
    return this.bytes[this.pos] === OPEN_OBJECT;
  }

  get atArray(): boolean {
    return this.bytes[this.pos] === OPEN_ARRAY;
  }

  get atString(): boolean {
    return this.bytes[this.pos] === QUOTE;
  }

  get atNumber(): boolean {
    const byte = this.bytes[this.pos] ?? 0;
    return byte === MINUS || (byte >= ZERO && byte <= NINE);
  }

  /**
   * Enters an object or array. True: the cursor is on its first key or element; read it, then call
   * `next`. False: it was empty, and is passed over.
   */
  open(close: Closing): boolean {
    if (++this.#depth > MAX_DEPTH) this.fail();
    this.pos++;
    if (this.peek() !== close) return true;
    this.#leave();
    return false;
  }

  /** Behind a value: true with the cursor on the next key or element, false behind the end. */
  next(close: Closing): boolean {
    const byte = this.peek();
    if (byte === COMMA) {
      this.pos++;
      this.peek();
      return true;
    }
    if (byte !== close) this.fail();
    this.#leave();
    return false;
  }

  /** Reads a key; the cursor is then on its value. A key that is not wanted is undefined. */
  key(): string | undefined {
    const start = this.pos;
    const escaped = this.#string();
    const end = this.pos - 1;
    this.#colon();
    if (!escaped) return this.#wanted.find(this.bytes, start + 1, end);
    const key = Buffer.from(JSON.parse(this.bytes.toString('latin1', start, end + 1)) as string);
    return this.#wanted.find(key, 0, key.length);
  }

  /** Reads any key, wanted or not, one character a byte; the cursor is then on its value. */
  keyText(): string {
    const start = this.pos;
    const escaped = this.#string();
    const end = this.pos - 1;
    this.#colon();
    if (escaped) return JSON.parse(this.bytes.toString('latin1', start, end + 1)) as string;
    return this.#wanted.find(this.bytes, start + 1, end) ?? this.bytes.toString('latin1', start + 1, end);
  }

  /** Passes over any value, checking it. */
  skip(): void {
    const byte = this.bytes[this.pos];
    if (byte === QUOTE) this.#string();
    else if (byte === OPEN_OBJECT) this.#skipObject();
    else if (byte === OPEN_ARRAY) this.#skipArray();
    else if (this.atNumber) this.#number();
    else this.#literal();
  }

  /** Passes over a string and returns its value. */
  text(): string {
    const start = this.pos;
    const escaped = this.#string();
    if (!escaped) return this.bytes.toString('latin1', start + 1, this.pos - 1);
    return JSON.parse(this.bytes.toString('latin1', start, this.pos)) as string;
  }

  /** Passes over any value and returns its bytes as text. */
  raw(): string {
    const start = this.pos;
    this.skip();
    return this.bytes.toString('latin1', start, this.pos);
  }

  #skipObject(): void {
    if (!this.open(CLOSE_OBJECT)) return;
    do {
      this.#string();
      this.#colon();
      this.skip();
    } while (this.next(CLOSE_OBJECT));
  }

  #skipArray(): void {
    if (!this.open(CLOSE_ARRAY)) return;
    do this.skip();
    while (this.next(CLOSE_ARRAY));
  }

  #leave(): void {
    this.#depth--;
    this.pos++;
  }

  #colon(): void {
    if (this.peek() !== COLON) this.fail();
    this.pos++;
    this.peek();
  }

  /** Whether the string has an escape. */
  #string(): boolean {
    const { bytes } = this;
    if (bytes[this.pos] !== QUOTE) this.fail();
    let at = this.pos + 1;
    let escaped = false;
    for (;;) {
      const byte = bytes[at] ?? 0;
      if (byte === QUOTE) break;
      if (byte === BACKSLASH) {
        escaped = true;
        at = this.#escape(at);
      } else if (byte < 0x20) {
        this.pos = at;
        this.fail();
      } else {
        at++;
      }
    }
    this.pos = at + 1;
    return escaped;
  }

  /** Where the escape sequence that begins at `at` ends. */
  #escape(at: number): number {
    const letter = this.bytes[at + 1] ?? 0;
    if (SIMPLE_ESCAPES.has(letter)) return at + 2;
    this.pos = at;
    if (letter !== LETTER_U) this.fail();
    for (let i = 2; i < 6; i++) if (!isHex(this.bytes[at + i] ?? 0)) this.fail();
    return at + 6;
  }

  #number(): void {
    if (this.bytes[this.pos] === MINUS) this.pos++;
    if (this.bytes[this.pos] === ZERO) this.pos++;
    else this.#digits();
    if (this.bytes[this.pos] === 0x2e) {
      this.pos++;
      this.#digits();
    }
    const exponent = this.bytes[this.pos];
    if (exponent !== 0x65 && exponent !== 0x45) return;
    this.pos++;
    const sign = this.bytes[this.pos];
    if (sign === 0x2b || sign === MINUS) this.pos++;
    this.#digits();
  }

  /** One digit at least. */
  #digits(): void {
    const start = this.pos;
    let byte = this.bytes[this.pos] ?? 0;
    while (byte >= ZERO && byte <= NINE) byte = this.bytes[++this.pos] ?? 0;
    if (this.pos === start) this.fail();
  }

  #literal(): void {
    for (const word of ['true', 'false', 'null']) {
      if (this.bytes[this.pos] === word.charCodeAt(0) && this.bytes.toString('latin1', this.pos, this.pos + word.length) === word) {
        this.pos += word.length;
        return;
      }
    }
    this.fail();
  }
}

function isHex(byte: number): boolean {
  return (byte >= ZERO && byte <= NINE) || ((byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x66);
}
