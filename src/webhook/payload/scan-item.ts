import { CLOSE_OBJECT, type JsonCursor } from './json-cursor.js';

/** Bytes of the body from `start` up to, not including, `end`. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** What an event says of itself: whose it is, when it happened, and by what it is known. */
export interface EventFacts {
  /** Digit strings, whether Meta wrote strings or numbers; undefined: no such id. */
  readonly sender: string | undefined;
  readonly recipient: string | undefined;
  /** `timestamp` as Meta wrote it, without quotes. */
  readonly timestamp: string | undefined;
  /** `id`: a call has one. */
  readonly id: string | undefined;
  /** What no other event has: a kind of event with its id. */
  readonly eventId: string | undefined;
  /** It was sent by the Page. */
  readonly isEcho: boolean;
  /** It has a `watermark`: a time that is part of its value. */
  readonly hasWatermark: boolean;
}

/** One element of a list of an entry, with the little that routing, order and duplicates need. */
export interface ScannedItem extends Range {
  /** undefined: it is no object. */
  readonly facts: EventFacts | undefined;
}

/** The keys that this file reads. */
export const ITEM_KEYS: readonly string[] = [
  ...['id', 'sender', 'recipient', 'from', 'to', 'recipient_id', 'timestamp'],
  ...['message', 'mid', 'is_echo', 'is_deleted', 'postback', 'read', 'delivery', 'watermark'],
  ...['field', 'value', 'item', 'verb', 'comment_id', 'leadgen_id'],
];

/** Facts while they are read. */
export type Draft = { -readonly [key in keyof EventFacts]: EventFacts[key] };

export const noFacts = (): Draft => ({
  sender: undefined,
  recipient: undefined,
  timestamp: undefined,
  id: undefined,
  eventId: undefined,
  isEcho: false,
  hasWatermark: false,
});

/** Reads the item at the cursor. Items of `changes` have a form of their own. */
export function scanItem(cursor: JsonCursor, list: string): ScannedItem {
  const start = cursor.pos;
  let facts: Draft | undefined;
  if (cursor.atObject) {
    facts = noFacts();
    if (list === 'changes') readChange(cursor, facts);
    else readEvent(cursor, facts);
  } else {
    cursor.skip();
  }
  return { start, end: cursor.pos, facts };
}

/**
 * Reads `sender`, `recipient` or `timestamp` of an entry that is an event itself.
 * @returns false for any other key: nothing is read
 */
export function readEntryFact(cursor: JsonCursor, key: string, facts: Draft): boolean {
  if (key === 'sender') facts.sender = party(cursor);
  else if (key === 'recipient') facts.recipient = party(cursor);
  else if (key === 'timestamp') facts.timestamp = idOrSkip(cursor);
  else return false;
  return true;
}

/** Whether an object is an event, in a list whose name says nothing: it names a party or a time. */
export function looksLikeEvent({ facts }: ScannedItem): boolean {
  return facts !== undefined && (facts.sender ?? facts.recipient ?? facts.timestamp) !== undefined;
}

/** Nearly all items have these keys and no others that are read. */
function readEvent(cursor: JsonCursor, facts: Draft): void {
  for (let more = cursor.open(CLOSE_OBJECT); more; more = cursor.next(CLOSE_OBJECT)) {
    const key = cursor.key();
    if (key === undefined) cursor.skip();
    else if (key === 'message') readMessage(cursor, facts);
    else if (!readEntryFact(cursor, key, facts)) readRareKey(cursor, key, facts);
  }
}

/** `from`, `to` and `recipient_id` are the parties of a call. */
function readRareKey(cursor: JsonCursor, key: string, facts: Draft): void {
  switch (key) {
    case 'from':
      facts.sender = party(cursor);
      return;
    case 'to':
    case 'recipient_id':
      facts.recipient = party(cursor);
      return;
    case 'id':
      facts.id = idOrSkip(cursor);
      return;
    case 'postback':
      facts.eventId = eventId('postback', member(cursor, 'mid')) ?? facts.eventId;
      return;
    case 'read':
    case 'delivery':
      facts.hasWatermark = member(cursor, 'watermark') !== undefined;
      return;
    default:
      cursor.skip();
  }
}

function readMessage(cursor: JsonCursor, facts: Draft): void {
  if (!cursor.atObject) {
    cursor.skip();
    return;
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
  facts.isEcho = isEcho;
  facts.eventId = eventId(`message${isEcho ? '.echo' : ''}${isDeleted ? '.deleted' : ''}`, mid) ?? facts.eventId;
}

/**
 * The added, the edited and the removed comment share their `comment_id`, and their `created_time`
 * is that of the post: only the first of them is known by its id.
 */
function readChange(cursor: JsonCursor, facts: Draft): void {
  let field: string | undefined;
  let value: ChangeValue = {};
  for (let more = cursor.open(CLOSE_OBJECT); more; more = cursor.next(CLOSE_OBJECT)) {
    const key = cursor.key();
    if (key === 'field') field = stringOrSkip(cursor);
    else if (key === 'value') value = changeValue(cursor);
    else cursor.skip();
  }
  const { item, verb, comment_id: commentId, leadgen_id: leadgenId } = value;
  const kind = [field, item, verb].join('.');
  facts.eventId = eventId(kind, leadgenId) ?? (verb === 'add' ? eventId(kind, commentId) : undefined);
}

const CHANGE_KEYS = ['item', 'verb', 'comment_id', 'leadgen_id'] as const;
type ChangeValue = Partial<Record<(typeof CHANGE_KEYS)[number], string | undefined>>;

function changeValue(cursor: JsonCursor): ChangeValue {
  const value: ChangeValue = {};
  if (!cursor.atObject) {
    cursor.skip();
    return value;
  }
  for (let more = cursor.open(CLOSE_OBJECT); more; more = cursor.next(CLOSE_OBJECT)) {
    const key = cursor.key();
    const wanted = CHANGE_KEYS.find((known) => known === key);
    if (wanted === undefined) cursor.skip();
    else value[wanted] = idOrSkip(cursor);
  }
  return value;
}

function eventId(kind: string, id: string | undefined): string | undefined {
  return id === undefined || id === '' ? undefined : `${kind}|${id}`;
}

/** An id, or the `id` of an object. */
function party(cursor: JsonCursor): string | undefined {
  return cursor.atObject ? member(cursor, 'id') : idOrSkip(cursor);
}

/** The text or number of one member of the object at the cursor. */
function member(cursor: JsonCursor, wanted: string): string | undefined {
  if (!cursor.atObject) {
    cursor.skip();
    return undefined;
  }
  let value: string | undefined;
  for (let more = cursor.open(CLOSE_OBJECT); more; more = cursor.next(CLOSE_OBJECT)) {
    if (cursor.key() === wanted) value = idOrSkip(cursor);
    else cursor.skip();
  }
  return value;
}

/** A string's value; undefined for anything else. */
export function stringOrSkip(cursor: JsonCursor): string | undefined {
  if (cursor.atString) return cursor.text();
  cursor.skip();
  return undefined;
}

/** A string's value, or a number exactly as it is written: never a float. */
export function idOrSkip(cursor: JsonCursor): string | undefined {
  if (cursor.atString) return cursor.text();
  if (cursor.atNumber) return cursor.raw();
  cursor.skip();
  return undefined;
}
