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

const ENTRY_KEYS: ReadonlySet<string> = new Set(['sender', 'recipient', 'timestamp']);

/** Facts while they are read. */
export type Draft = { -readonly [key in keyof EventFacts]: EventFacts[key] };
type Reader<T> = (cursor: JsonCursor, draft: T) => void;

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
    else readObject(cursor, EVENT, facts);
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
  const read = ENTRY_KEYS.has(key) ? EVENT.get(key) : undefined;
  read?.(cursor, facts);
  return read !== undefined;
}

/** Whether an object is an event, in a list whose name says nothing: it names a party or a time. */
export function looksLikeEvent({ facts }: ScannedItem): boolean {
  return facts !== undefined && (facts.sender ?? facts.recipient ?? facts.timestamp) !== undefined;
}

/** Reads the keys of the object at the cursor that have a reader, and passes over the others. */
function readObject<T>(cursor: JsonCursor, readers: ReadonlyMap<string, Reader<T>>, draft: T): void {
  if (!cursor.atObject) {
    cursor.skip();
    return;
  }
  for (let more = cursor.open(CLOSE_OBJECT); more; more = cursor.next(CLOSE_OBJECT)) {
    const key = cursor.key();
    const read = key === undefined ? undefined : readers.get(key);
    if (read === undefined) cursor.skip();
    else read(cursor, draft);
  }
}

interface Message {
  mid: string | undefined;
  isEcho: boolean;
  isDeleted: boolean;
}

const MESSAGE: ReadonlyMap<string, Reader<Message>> = new Map<string, Reader<Message>>([
  ['mid', (cursor, message) => (message.mid = stringOrSkip(cursor))],
  ['is_echo', (cursor, message) => (message.isEcho = cursor.raw() === 'true')],
  ['is_deleted', (cursor, message) => (message.isDeleted = cursor.raw() === 'true')],
]);

function readMessage(cursor: JsonCursor, draft: Draft): void {
  const message: Message = { mid: undefined, isEcho: false, isDeleted: false };
  readObject(cursor, MESSAGE, message);
  const { mid, isEcho, isDeleted } = message;
  draft.isEcho = isEcho;
  draft.eventId = eventId(`message${isEcho ? '.echo' : ''}${isDeleted ? '.deleted' : ''}`, mid) ?? draft.eventId;
}

function readPostback(cursor: JsonCursor, draft: Draft): void {
  const message: Message = { mid: undefined, isEcho: false, isDeleted: false };
  readObject(cursor, MESSAGE, message);
  draft.eventId ??= eventId('postback', message.mid);
}

const WATERMARK: ReadonlyMap<string, Reader<Draft>> = new Map<string, Reader<Draft>>([
  ['watermark', (cursor, draft) => (draft.hasWatermark = idOrSkip(cursor) !== undefined)],
]);
const readWatermark: Reader<Draft> = (cursor, draft) => {
  readObject(cursor, WATERMARK, draft);
};

/** `sender` and `recipient` as in `messaging`, `from` and `to` as in `calls`. */
const EVENT: ReadonlyMap<string, Reader<Draft>> = new Map<string, Reader<Draft>>([
  ['sender', (cursor, draft) => (draft.sender = party(cursor))],
  ['from', (cursor, draft) => (draft.sender = party(cursor) ?? draft.sender)],
  ['recipient', (cursor, draft) => (draft.recipient = party(cursor))],
  ['to', (cursor, draft) => (draft.recipient = party(cursor) ?? draft.recipient)],
  ['recipient_id', (cursor, draft) => (draft.recipient = party(cursor) ?? draft.recipient)],
  ['timestamp', (cursor, draft) => (draft.timestamp = idOrSkip(cursor))],
  ['id', (cursor, draft) => (draft.id = idOrSkip(cursor))],
  ['message', readMessage],
  ['postback', readPostback],
  ['read', readWatermark],
  ['delivery', readWatermark],
]);

interface Change {
  field: string | undefined;
  item: string | undefined;
  verb: string | undefined;
  commentId: string | undefined;
  leadgenId: string | undefined;
}

const VALUE: ReadonlyMap<string, Reader<Change>> = new Map<string, Reader<Change>>([
  ['item', (cursor, change) => (change.item = stringOrSkip(cursor))],
  ['verb', (cursor, change) => (change.verb = stringOrSkip(cursor))],
  ['comment_id', (cursor, change) => (change.commentId = idOrSkip(cursor))],
  ['leadgen_id', (cursor, change) => (change.leadgenId = idOrSkip(cursor))],
]);

const CHANGE: ReadonlyMap<string, Reader<Change>> = new Map<string, Reader<Change>>([
  ['field', (cursor, change) => (change.field = stringOrSkip(cursor))],
  [
    'value',
    (cursor, change) => {
      readObject(cursor, VALUE, change);
    },
  ],
]);

/**
 * The added, the edited and the removed comment share their `comment_id`, and their `created_time`
 * is that of the post: only the first of them is known by its id.
 */
function readChange(cursor: JsonCursor, draft: Draft): void {
  const change: Change = { field: undefined, item: undefined, verb: undefined, commentId: undefined, leadgenId: undefined };
  readObject(cursor, CHANGE, change);
  const { field, item, verb, commentId, leadgenId } = change;
  const kind = [field, item, verb].join('.');
  draft.eventId = eventId(kind, leadgenId) ?? (verb === 'add' ? eventId(kind, commentId) : undefined);
}

function eventId(kind: string, id: string | undefined): string | undefined {
  return id === undefined || id === '' ? undefined : `${kind}|${id}`;
}

/** An id, or the `id` of an object. */
function party(cursor: JsonCursor): string | undefined {
  if (!cursor.atObject) return idOrSkip(cursor);
  const draft = { id: undefined };
  readObject(cursor, PARTY, draft);
  return draft.id;
}

const PARTY: ReadonlyMap<string, Reader<{ id: string | undefined }>> = new Map<string, Reader<{ id: string | undefined }>>([
  ['id', (cursor, draft) => (draft.id = idOrSkip(cursor))],
]);

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
