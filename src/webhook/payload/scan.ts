import type { Channel } from '../../core/domain/event.js';
import { CLOSE_ARRAY, CLOSE_OBJECT, JsonCursor, NotJsonError, WantedKeys } from './json-cursor.js';

/** Bytes of the body from `start` up to, not including, `end`. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/**
 * One element of `messaging`, `standby` or `changes`, with the little that routing and duplicates
 * need.
 */
export interface ScannedItem extends Range {
  /** Digit strings, whether Meta wrote strings or numbers; undefined: no such id. */
  readonly sender: string | undefined;
  readonly recipient: string | undefined;
  /** Set if the item is a message with a mid. */
  readonly mid: string | undefined;
  readonly isEcho: boolean;
  readonly isDeleted: boolean;
}

export interface ScannedChannel {
  readonly channel: Channel;
  readonly items: readonly ScannedItem[];
}

export interface ScannedEntry extends Range {
  readonly id: string | undefined;
  /** `time` as Meta wrote it, without quotes. */
  readonly time: string | undefined;
  /** The lists of items, as they come in the entry. A list without items is here too. */
  readonly channels: readonly ScannedChannel[];
  /** Every other member, `"key":value`, as they come. */
  readonly others: readonly Range[];
}

export interface ScannedPost {
  /** undefined: missing, or no string. */
  readonly object: string | undefined;
  /** undefined: missing, or no list. */
  readonly entries: readonly ScannedEntry[] | undefined;
  /** Elements of `entry` that are no objects. */
  readonly strays: number;
  /** Every member but `entry`. */
  readonly others: readonly Range[];
}

export type ScanResult =
  | { readonly ok: true; readonly post: ScannedPost }
  | { readonly ok: false; readonly why: 'not_json' | 'too_many_entries' | 'too_many_items' };

/** Meta sends up to 1,000. */
export const MAX_ENTRIES = 20_000;
/**
 * Items of all entries, and members that nobody knows: whoever has an app secret could send
 * millions in 8 MiB.
 */
export const MAX_ITEMS = 50_000;

const WANTED = new WantedKeys([
  ...['object', 'entry', 'id', 'time', 'messaging', 'standby', 'changes'],
  ...['sender', 'recipient', 'message', 'mid', 'is_echo', 'is_deleted'],
]);

class TooManyError extends Error {
  readonly why: 'too_many_entries' | 'too_many_items';

  constructor(why: TooManyError['why']) {
    super(why);
    this.why = why;
  }
}

/** Counts what each POST may have only so many of. */
class Tally {
  #items = 0;

  count(): void {
    if (++this.#items > MAX_ITEMS) throw new TooManyError('too_many_items');
  }
}

/**
 * Reads a signed body in one pass: checks that all of it is JSON and takes out where its entries
 * and their items are. A repeated key counts as every JSON parser takes it: the last one wins, so
 * that what is routed is what the bot reads. A key is compared by its value, however it is escaped.
 * Never throws.
 */
export function scan(bytes: Buffer): ScanResult {
  const cursor = new JsonCursor(bytes, WANTED);
  try {
    cursor.peek();
    const post = scanPost(cursor);
    if (cursor.peek() !== -1) cursor.fail();
    return { ok: true, post };
  } catch (error) {
    if (error instanceof NotJsonError) return { ok: false, why: 'not_json' };
    if (error instanceof TooManyError) return { ok: false, why: error.why };
    throw error;
  }
}

interface Entries {
  readonly list: ScannedEntry[];
  strays: number;
}

function scanPost(cursor: JsonCursor): ScannedPost {
  const tally = new Tally();
  let object: string | undefined;
  let entries: Entries | undefined;
  const others: Range[] = [];
  if (!cursor.atObject) {
    cursor.skip();
    return { object, entries: undefined, strays: 0, others };
  }
  for (let more = cursor.open(CLOSE_OBJECT); more; more = cursor.next(CLOSE_OBJECT)) {
    const start = cursor.pos;
    const key = cursor.key();
    if (key === 'entry') {
      entries = scanEntries(cursor, tally);
      continue;
    }
    if (key === 'object') object = stringOrSkip(cursor);
    else cursor.skip();
    tally.count();
    others.push({ start, end: cursor.pos });
  }
  return { object, entries: entries?.list, strays: entries?.strays ?? 0, others };
}

function scanEntries(cursor: JsonCursor, tally: Tally): Entries | undefined {
  if (!cursor.atArray) {
    cursor.skip();
    return undefined;
  }
  const entries: Entries = { list: [], strays: 0 };
  for (let more = cursor.open(CLOSE_ARRAY); more; more = cursor.next(CLOSE_ARRAY)) {
    if (cursor.atObject) {
      entries.list.push(scanEntry(cursor, tally));
    } else {
      cursor.skip();
      entries.strays++;
    }
    if (entries.list.length + entries.strays > MAX_ENTRIES) throw new TooManyError('too_many_entries');
  }
  return entries;
}

function scanEntry(cursor: JsonCursor, tally: Tally): ScannedEntry {
  const begin = cursor.pos;
  let id: string | undefined;
  let time: string | undefined;
  const channels: ScannedChannel[] = [];
  const others: Range[] = [];
  for (let more = cursor.open(CLOSE_OBJECT); more; more = cursor.next(CLOSE_OBJECT)) {
    const start = cursor.pos;
    const key = cursor.key();
    if (isChannel(key)) {
      forget(channels, key);
      if (cursor.atArray) {
        channels.push({ channel: key, items: scanItems(cursor, key, tally) });
        continue;
      }
      cursor.skip();
    } else if (key === 'id') {
      id = idOrSkip(cursor);
    } else if (key === 'time') {
      time = idOrSkip(cursor);
    } else {
      tally.count();
      cursor.skip();
    }
    others.push({ start, end: cursor.pos });
  }
  return { start: begin, end: cursor.pos, id, time, channels, others };
}

function isChannel(key: string | undefined): key is Channel {
  return key === 'messaging' || key === 'standby' || key === 'changes';
}

/** The earlier one of two equal keys. */
function forget(channels: ScannedChannel[], key: Channel): void {
  const at = channels.length === 0 ? -1 : channels.findIndex(({ channel }) => channel === key);
  if (at >= 0) channels.splice(at, 1);
}

function scanItems(cursor: JsonCursor, channel: Channel, tally: Tally): ScannedItem[] {
  const items: ScannedItem[] = [];
  for (let more = cursor.open(CLOSE_ARRAY); more; more = cursor.next(CLOSE_ARRAY)) {
    tally.count();
    items.push(channel !== 'changes' && cursor.atObject ? scanEvent(cursor) : scanOther(cursor));
  }
  return items;
}

function scanOther(cursor: JsonCursor): ScannedItem {
  const start = cursor.pos;
  cursor.skip();
  return { start, end: cursor.pos, sender: undefined, recipient: undefined, mid: undefined, isEcho: false, isDeleted: false };
}

function scanEvent(cursor: JsonCursor): ScannedItem {
  const start = cursor.pos;
  let sender: string | undefined;
  let recipient: string | undefined;
  let message: Message = NO_MESSAGE;
  for (let more = cursor.open(CLOSE_OBJECT); more; more = cursor.next(CLOSE_OBJECT)) {
    const key = cursor.key();
    if (key === 'sender') sender = idInside(cursor);
    else if (key === 'recipient') recipient = idInside(cursor);
    else if (key === 'message') message = scanMessage(cursor);
    else cursor.skip();
  }
  const { mid, isEcho, isDeleted } = message;
  return { start, end: cursor.pos, sender, recipient, mid, isEcho, isDeleted };
}

type Message = Pick<ScannedItem, 'mid' | 'isEcho' | 'isDeleted'>;
const NO_MESSAGE: Message = { mid: undefined, isEcho: false, isDeleted: false };

function scanMessage(cursor: JsonCursor): Message {
  if (!cursor.atObject) {
    cursor.skip();
    return NO_MESSAGE;
  }
  let mid: string | undefined;
  let isEcho = false;
  let isDeleted = false;
  for (let more = cursor.open(CLOSE_OBJECT); more; more = cursor.next(CLOSE_OBJECT)) {
    const key = cursor.key();
    if (key === 'mid') mid = stringOrSkip(cursor);
    else if (key === 'is_echo') isEcho = cursor.raw() === 'true';
    else if (key === 'is_deleted') isDeleted = cursor.raw() === 'true';
    else cursor.skip();
  }
  return { mid, isEcho, isDeleted };
}

/** The `id` of the object at the cursor. */
function idInside(cursor: JsonCursor): string | undefined {
  if (!cursor.atObject) {
    cursor.skip();
    return undefined;
  }
  let id: string | undefined;
  for (let more = cursor.open(CLOSE_OBJECT); more; more = cursor.next(CLOSE_OBJECT)) {
    const key = cursor.key();
    if (key === 'id') id = idOrSkip(cursor);
    else cursor.skip();
  }
  return id;
}

function stringOrSkip(cursor: JsonCursor): string | undefined {
  if (cursor.atString) return cursor.text();
  cursor.skip();
  return undefined;
}

/** A string's value, or a number exactly as it is written: never a float. */
function idOrSkip(cursor: JsonCursor): string | undefined {
  if (cursor.atString) return cursor.text();
  if (cursor.atNumber) return cursor.raw();
  cursor.skip();
  return undefined;
}
