/**
 * The most that is read of an answer's body, framing included. It is never kept: a bot may echo
 * what it was sent.
 */
export const MAX_ANSWER_BYTES = 64 * 1_024;
/**
 * The most of the status line and headers, those of interim answers included. Node's own default.
 */
export const MAX_HEAD_BYTES = 16 * 1_024;

/**
 * `reading`: incomplete. `done`: read to its end. `too_long`: the body exceeds the limit. `broken`:
 * not HTTP/1.1 (RFC 9112), or it ends where it may not.
 */
export type Progress = 'reading' | 'done' | 'too_long' | 'broken';

const LF = 0x0a;
const END_OF_HEAD = '\r\n\r\n';
const STATUS_AT = 'HTTP/1.1 '.length;

/**
 * Status line and headers, and nothing else: no folded line, no bare CR or LF, no space before a
 * colon.
 */
const HEAD = /^HTTP\/1\.[01] [1-9][0-9]{2}(?: [\t\x20-\x7e\x80-\xff]*)?(?:\r\n[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e\x80-\xff]*)*$/;
const TOKEN = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/.source;
const QUOTED = /"(?:[\t\x20\x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t\x20-\x7e\x80-\xff])*"/.source;
/** With extensions, which are ignored. */
const CHUNK_SIZE = new RegExp(`^([0-9a-fA-F]{1,8})(?:;${TOKEN}(?:=(?:${TOKEN}|${QUOTED}))?)*$`);
/** A header that says where an answer ends may not be a trailer (RFC 9110, 6.5.1). */
const TRAILER = /^(?!content-length:|transfer-encoding:)[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e\x80-\xff]*$/i;
/**
 * Spaces behind the value, but no tab, although RFC 9110 allows it: with a tab, Node's client takes
 * `chunked` for another coding.
 */
const LENGTH = /^[\t ]*([0-9]{1,15}) *$/;
const CHUNKED = /^[\t ]*chunked *$/i;
const CLOSE = /(?:^|,)[\t ]*close[\t ]*(?:,|$)/i;
const KEEP_ALIVE = /(?:^|,)[\t ]*keep-alive[\t ]*(?:,|$)/i;
const TIMEOUT = /(?:^|[,;])[\t ]*timeout[\t ]*=[\t ]*([0-9]{1,6})[\t ]*(?:[,;]|$)/i;

type Body = 'none' | 'sized' | 'chunked' | 'until_close';

/** What the next line of a chunked body has to be (RFC 9112, 7.1). */
type ChunkLine = 'size' | 'end_of_data' | 'trailer';

/**
 * Reads one answer after the other from the bytes of one connection: its status, where it ends, and
 * whether the connection may serve again. Strict where a lenient reader could take one answer for
 * another: two lengths, a length beside chunks, or a bare line feed make it `broken`.
 */
export class ResponseReader {
  /** undefined: not received yet. Never that of an interim answer. */
  status: number | undefined;
  /** The bot keeps the connection open. Valid once the answer is done. */
  mayServeAgain = false;
  /** The bot's own hint of how long it keeps an idle connection, in seconds. */
  idleSeconds: number | undefined;
  #head: Buffer | undefined;
  #headBytes = 0;
  #body: Body = 'none';
  #bodyBytes = 0;
  /** Bytes left of the body, or of the chunk. */
  #left = 0;
  #line = '';
  #lineIs: ChunkLine = 'size';

  /** For the next request on the connection. */
  reset(): void {
    this.status = undefined;
    this.mayServeAgain = false;
    this.idleSeconds = undefined;
    this.#head = undefined;
    this.#headBytes = 0;
    this.#bodyBytes = 0;
  }

  /** Bytes as they arrive. Must not be called again after anything but `reading`. */
  push(bytes: Buffer): Progress {
    return this.status === undefined ? this.#pushHead(bytes) : this.#pushBody(bytes, 0);
  }

  /** The bot has ended its side. */
  end(): Progress {
    return this.status !== undefined && this.#body === 'until_close' ? 'done' : 'broken';
  }

  #pushHead(bytes: Buffer): Progress {
    const before = this.#head;
    this.#head = undefined;
    let rest = before === undefined ? bytes : Buffer.concat([before, bytes]);
    // The earlier part was searched already: a head that arrives byte by byte would cost a full
    // search for each.
    let from = before === undefined ? 0 : Math.max(0, before.length - 3);
    for (;;) {
      const end = rest.indexOf(END_OF_HEAD, from, 'latin1');
      // Three bytes of its end may have arrived already.
      if (this.#headBytes + (end < 0 ? rest.length - 3 : end) > MAX_HEAD_BYTES) return 'broken';
      if (end < 0) {
        this.#head = rest;
        return 'reading';
      }
      const bodyAt = end + END_OF_HEAD.length;
      const status = this.#readHead(rest.toString('latin1', 0, end));
      if (status === undefined) return 'broken';
      if (status >= 200) {
        this.status = status;
        return this.#pushBody(rest, bodyAt);
      }
      this.#headBytes += bodyAt;
      rest = rest.subarray(bodyAt);
      from = 0;
    }
  }

  /** @returns the status; undefined if the head is invalid */
  #readHead(head: string): number | undefined {
    if (!HEAD.test(head)) return undefined;
    const status = Number(head.slice(STATUS_AT, STATUS_AT + 3));
    // We never ask for another protocol.
    if (status === 101) return undefined;
    const fields = fieldsOf(head);
    if (fields === undefined) return undefined;
    const isOld = head.startsWith('HTTP/1.0');
    if (isOld && fields.isChunked) return undefined;
    this.#body = bodyOf(status, fields);
    this.#left = fields.length ?? 0;
    this.#line = '';
    this.#lineIs = 'size';
    this.idleSeconds = fields.idleSeconds;
    this.mayServeAgain = !fields.closes && !isUnsure(this.#body, fields) && (!isOld || fields.keepsAlive);
    return status;
  }

  #pushBody(bytes: Buffer, from: number): Progress {
    const room = MAX_ANSWER_BYTES - this.#bodyBytes;
    this.#bodyBytes += bytes.length - from;
    if (bytes.length - from <= room) return this.#readBody(bytes, from);
    const progress = this.#readBody(bytes.subarray(0, from + room), from);
    this.mayServeAgain = false;
    return progress === 'reading' ? 'too_long' : progress;
  }

  #readBody(bytes: Buffer, from: number): Progress {
    switch (this.#body) {
      case 'none':
        return this.#ended(bytes, from);
      case 'sized': {
        const taken = Math.min(this.#left, bytes.length - from);
        this.#left -= taken;
        return this.#left === 0 ? this.#ended(bytes, from + taken) : 'reading';
      }
      case 'until_close':
        return 'reading';
      case 'chunked':
        return this.#pushChunks(bytes, from);
    }
  }

  /** Bytes behind the end belong to no request. */
  #ended(bytes: Buffer, at: number): Progress {
    if (at < bytes.length) this.mayServeAgain = false;
    return 'done';
  }

  #pushChunks(bytes: Buffer, from: number): Progress {
    let at = from;
    while (at < bytes.length) {
      if (this.#left > 0) {
        const taken = Math.min(this.#left, bytes.length - at);
        this.#left -= taken;
        at += taken;
        continue;
      }
      const lineFeed = bytes.indexOf(LF, at);
      this.#line += bytes.toString('latin1', at, lineFeed < 0 ? bytes.length : lineFeed);
      if (lineFeed < 0) break;
      at = lineFeed + 1;
      const progress = this.#takeLine();
      if (progress === 'done') return this.#ended(bytes, at);
      if (progress === 'broken') return 'broken';
    }
    return 'reading';
  }

  /** A line of a chunked body's framing is complete, without its line feed. */
  #takeLine(): Progress {
    if (!this.#line.endsWith('\r')) return 'broken';
    const line = this.#line.slice(0, -1);
    this.#line = '';
    switch (this.#lineIs) {
      case 'size':
        return this.#takeSize(CHUNK_SIZE.exec(line)?.[1]);
      case 'end_of_data':
        this.#lineIs = 'size';
        return line === '' ? 'reading' : 'broken';
      case 'trailer':
        if (line === '') return 'done';
        return TRAILER.test(line) ? 'reading' : 'broken';
    }
  }

  #takeSize(digits: string | undefined): Progress {
    if (digits === undefined) return 'broken';
    this.#left = parseInt(digits, 16);
    this.#lineIs = this.#left === 0 ? 'trailer' : 'end_of_data';
    return 'reading';
  }
}

/** The headers that say where an answer ends and whether its connection stays open. */
interface Fields {
  length: number | undefined;
  isChunked: boolean;
  closes: boolean;
  keepsAlive: boolean;
  idleSeconds: number | undefined;
}

/** undefined: they contradict each other, or one cannot be read. */
function fieldsOf(head: string): Fields | undefined {
  const fields: Fields = { length: undefined, isChunked: false, closes: false, keepsAlive: false, idleSeconds: undefined };
  let lineEnd = head.indexOf('\r\n');
  while (lineEnd >= 0) {
    const start = lineEnd + 2;
    lineEnd = head.indexOf('\r\n', start);
    const colon = head.indexOf(':', start);
    // For most headers the length of the name already rules these out.
    if (!NAME_LENGTHS.has(colon - start)) continue;
    const read = FIELDS.get(head.slice(start, colon).toLowerCase());
    if (read?.(fields, head.slice(colon + 1, lineEnd < 0 ? head.length : lineEnd)) === false) return undefined;
  }
  return fields.isChunked && fields.length !== undefined ? undefined : fields;
}

/** By name. @returns false if an answer with this header cannot be read */
const FIELDS: ReadonlyMap<string, (fields: Fields, value: string) => boolean> = new Map([
  [
    'content-length',
    (fields, value): boolean => {
      const digits = LENGTH.exec(value)?.[1];
      if (digits === undefined || fields.length !== undefined) return false;
      fields.length = Number(digits);
      return true;
    },
  ],
  [
    'transfer-encoding',
    (fields, value): boolean => {
      if (fields.isChunked || !CHUNKED.test(value)) return false;
      fields.isChunked = true;
      return true;
    },
  ],
  [
    'connection',
    (fields, value): boolean => {
      fields.closes ||= CLOSE.test(value);
      fields.keepsAlive ||= KEEP_ALIVE.test(value);
      return true;
    },
  ],
  [
    'keep-alive',
    (fields, value): boolean => {
      const seconds = TIMEOUT.exec(value)?.[1];
      if (seconds !== undefined) fields.idleSeconds = Number(seconds);
      return true;
    },
  ],
]);
const NAME_LENGTHS: ReadonlySet<number> = new Set([...FIELDS.keys()].map((name) => name.length));

function bodyOf(status: number, { length, isChunked }: Fields): Body {
  if (status < 200 || status === 204 || status === 304 || length === 0) return 'none';
  if (isChunked) return 'chunked';
  return length === undefined ? 'until_close' : 'sized';
}

/**
 * The body ends with the connection; or it must not exist but is announced, and some bots send it
 * nevertheless.
 */
function isUnsure(body: Body, { length = 0, isChunked }: Fields): boolean {
  return body === 'until_close' || (body === 'none' && (length > 0 || isChunked));
}
