import type { Channel } from '../../core/domain/event.js';
import { CLOSE_ARRAY, CLOSE_OBJECT, JsonCursor, NotJsonError, WantedKeys } from './json-cursor.js';
import {
  idOrSkip,
  ITEM_KEYS,
  looksLikeEvent,
  noFacts,
  readEntryFact,
  scanItem,
  stringOrSkip,
  type EventFacts,
  type Range,
  type ScannedItem,
} from './scan-item.js';

/** A list of events of an entry. */
export interface ScannedChannel {
  readonly channel: Channel;
  readonly items: readonly ScannedItem[];
}

export interface ScannedEntry extends Range {
  /** Without one, the id that its events name as recipient. */
  readonly id: string | undefined;
  /** `time` as Meta wrote it, without quotes. */
  readonly time: string | undefined;
  /** The lists of events, as they come in the entry. A list without items is here too. */
  readonly channels: readonly ScannedChannel[];
  /** Every other member, `"key":value`, as they come; of equal keys the last. */
  readonly others: readonly Range[];
  /** What the entry itself says as an event does. */
  readonly facts: EventFacts;
  /**
   * Its bytes hold `channels` and `others` and no more: no equal keys, no events of another Page.
   */
  readonly isExact: boolean;
  /** It has members besides its channels, `id` and `time`. */
  readonly hasContent: boolean;
}

export interface ScannedPost {
  /** undefined: missing, or no string. */
  readonly object: string | undefined;
  /** undefined: missing, or no list. */
  readonly entries: readonly ScannedEntry[] | undefined;
  /** Elements of `entry` that are no objects. */
  readonly strays: number;
  /** Every member but `entry`; of equal keys that are read here, the last. */
  readonly others: readonly Range[];
  /** `entry` and `object` come once. */
  readonly isExact: boolean;
}

export type ScanResult =
  | { readonly ok: true; readonly post: ScannedPost }
  | { readonly ok: false; readonly why: 'not_json' | 'too_many_entries' | 'too_many_items' };

/** Meta sends up to 1,000. */
export const MAX_ENTRIES = 20_000;
/**
 * Items of all entries, and members with unknown keys. Who has an app secret could send millions in
 * 8 MiB.
 */
export const MAX_ITEMS = 50_000;

/** Lists of events whatever is in them. */
const EVENT_LISTS: ReadonlySet<string> = new Set(['messaging', 'standby', 'changes', 'calls']);
/** As in the CustomResourceDefinitions: `backend.accepts`. */
const LIST_NAME = /^[A-Za-z][A-Za-z0-9_]{0,63}$/;

const WANTED = new WantedKeys([...new Set(['object', 'entry', 'id', 'time', ...EVENT_LISTS, ...ITEM_KEYS])]);

class TooManyError extends Error {
  readonly why: 'too_many_entries' | 'too_many_items';

  constructor(why: TooManyError['why']) {
    super(why);
    this.why = why;
  }
}

/** Counts what a POST may have only so many of. */
class Tally {
  #items = 0;

  count(): void {
    if (++this.#items > MAX_ITEMS) throw new TooManyError('too_many_items');
  }
}

/**
 * Reads a signed body in one pass: checks that all of it is JSON and finds where its entries and
 * their items are. Of a repeated key the last one counts, as in every JSON parser of a bot that we
 * know; the others are left out of what the bots get, so that no reader can find another entry. A
 * key is compared by its value, however it is escaped. Never throws.
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

interface Member extends Range {
  /** undefined: one that is not compared with others. */
  readonly key: string | undefined;
  /** Set for a list of events. */
  readonly channel: ScannedChannel | undefined;
}

/** So many members are compared one by one, before an index is made. */
const FEW_MEMBERS = 16;

/** The members of an object; of equal keys the last, at its place. */
class Members {
  hasRepeated = false;
  readonly channels: ScannedChannel[] = [];
  readonly others: Range[] = [];
  /** It has members besides lists, `id` and `time`. */
  hasContent = false;
  readonly #members: (Member | undefined)[] = [];
  #index: Map<string, number> | undefined;

  add(member: Member): void {
    const { key } = member;
    if (key !== undefined) this.#leaveOut(key);
    const at = this.#members.push(member) - 1;
    if (key !== undefined) this.#index?.set(key, at);
  }

  /** To be called behind the last one: sorts them into `channels` and `others`. */
  finish(): this {
    for (const member of this.#members) {
      if (member === undefined) continue;
      if (member.channel !== undefined) {
        this.channels.push(member.channel);
        continue;
      }
      this.others.push(member);
      this.hasContent ||= member.key !== 'id' && member.key !== 'time';
    }
    return this;
  }

  /** An equal key comes later. */
  #leaveOut(key: string): void {
    const at = this.#find(key);
    if (at < 0) return;
    this.#members[at] = undefined;
    this.hasRepeated = true;
  }

  #find(key: string): number {
    const members = this.#members;
    if (members.length > FEW_MEMBERS) return (this.#index ??= indexOf(members)).get(key) ?? -1;
    for (let at = 0; at < members.length; at++) if (members[at]?.key === key) return at;
    return -1;
  }
}

function indexOf(members: readonly (Member | undefined)[]): Map<string, number> {
  const index = new Map<string, number>();
  for (const [at, member] of members.entries()) if (member?.key !== undefined) index.set(member.key, at);
  return index;
}

interface Entries {
  readonly list: ScannedEntry[];
  strays: number;
}

function scanPost(cursor: JsonCursor): ScannedPost {
  const tally = new Tally();
  let object: string | undefined;
  let entries: Entries | undefined;
  let entryKeys = 0;
  const members = new Members();
  if (!cursor.atObject) {
    cursor.skip();
    return { object, entries: undefined, strays: 0, others: [], isExact: true };
  }
  for (let more = cursor.open(CLOSE_OBJECT); more; more = cursor.next(CLOSE_OBJECT)) {
    const start = cursor.pos;
    const key = cursor.key();
    if (key === 'entry') {
      entries = scanEntries(cursor, tally);
      entryKeys++;
      continue;
    }
    if (key === 'object') object = stringOrSkip(cursor);
    else cursor.skip();
    tally.count();
    members.add({ key: key === 'object' ? key : undefined, start, end: cursor.pos, channel: undefined });
  }
  const isExact = entryKeys <= 1 && !members.hasRepeated;
  return { object, entries: entries?.list, strays: entries?.strays ?? 0, others: members.finish().others, isExact };
}

function scanEntries(cursor: JsonCursor, tally: Tally): Entries | undefined {
  if (!cursor.atArray) {
    cursor.skip();
    return undefined;
  }
  const entries: Entries = { list: [], strays: 0 };
  for (let more = cursor.open(CLOSE_ARRAY); more; more = cursor.next(CLOSE_ARRAY)) {
    if (cursor.atObject) {
      const entry = scanEntry(cursor, tally);
      if (entry.id === undefined) entries.list.push(...byPage(entry));
      else entries.list.push(entry);
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
  const facts = noFacts();
  const members = new Members();
  for (let more = cursor.open(CLOSE_OBJECT); more; more = cursor.next(CLOSE_OBJECT)) {
    const start = cursor.pos;
    const key = cursor.keyText();
    let channel: ScannedChannel | undefined;
    if (key === 'id') {
      id = idOrSkip(cursor);
    } else if (key === 'time') {
      time = idOrSkip(cursor);
    } else {
      channel = scanMember(cursor, key, { facts, tally });
    }
    members.add({ key: isCompared(key) ? key : undefined, start, end: cursor.pos, channel });
  }
  const { channels, others, hasContent, hasRepeated } = members.finish();
  return { start: begin, end: cursor.pos, id, time, channels, others, facts, isExact: !hasRepeated, hasContent };
}

/** Keys that mean something to the operator; the others reach the bot as they come. */
function isCompared(key: string): boolean {
  return key === 'id' || key === 'time' || EVENT_LISTS.has(key) || LIST_NAME.test(key);
}

interface Entry {
  readonly facts: ReturnType<typeof noFacts>;
  readonly tally: Tally;
}

/** A member that is neither `id` nor `time`. @returns its items, if it is a list of events */
function scanMember(cursor: JsonCursor, key: string, { facts, tally }: Entry): ScannedChannel | undefined {
  if (cursor.atArray && EVENT_LISTS.has(key)) return { channel: key, items: scanItems(cursor, key, tally) };
  tally.count();
  if (readEntryFact(cursor, key, facts)) return undefined;
  if (!cursor.atArray || !LIST_NAME.test(key)) {
    cursor.skip();
    return undefined;
  }
  const items = scanItems(cursor, key, tally);
  return items.length > 0 && items.every(looksLikeEvent) ? { channel: key, items } : undefined;
}

function scanItems(cursor: JsonCursor, list: string, tally: Tally): ScannedItem[] {
  const items: ScannedItem[] = [];
  for (let more = cursor.open(CLOSE_ARRAY); more; more = cursor.next(CLOSE_ARRAY)) {
    tally.count();
    items.push(scanItem(cursor, list));
  }
  return items;
}

/** An entry without `id` belongs to the Page that its events name: one entry for each of them. */
function byPage(entry: ScannedEntry): readonly ScannedEntry[] {
  const pages = new Set(entry.channels.flatMap(({ items }) => items.map(pageOf)));
  if (pages.size === 0) return [{ ...entry, id: entry.facts.recipient }];
  if (pages.size === 1) return [{ ...entry, id: [...pages][0] }];
  return [...pages].map((id) => {
    const all = entry.channels.map(({ channel, items }) => ({ channel, items: items.filter((item) => pageOf(item) === id) }));
    return { ...entry, id, channels: all.filter(({ items }) => items.length > 0), isExact: false };
  });
}

function pageOf({ facts }: ScannedItem): string | undefined {
  return facts?.isEcho === true ? facts.sender : facts?.recipient;
}
