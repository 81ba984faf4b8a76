import { createHash } from 'node:crypto';
import type { Channel, EntryFrame, EventEntry, EventItem } from '../../core/domain/event.js';
import type { PageRoute } from '../../core/ports/page-lookup.js';
import type { Range, ScannedEntry, ScannedItem, ScannedPost } from './scan.js';

/** As milliseconds this is March 1973, as seconds the year 5138: below it a time is in seconds. */
const SECONDS_BELOW = 100_000_000_000;
/** A mid has 60 to 110 characters; a longer one is hashed, so that remembered keys stay small. */
const MAX_PLAIN_MID = 128;
/** `id` and `time`: members of an entry that say whose it is and when, not what happened. */
const BARE_MEMBERS = 2;
const NOTHING = Buffer.alloc(0);
const COMMA = Buffer.from(',');

/**
 * Cuts a scanned body into what each bot gets: every item is its own range of the bytes that Meta
 * sent, and nothing is serialised again. One for each POST.
 */
export class Splitter {
  readonly #bytes: Buffer;
  readonly #scanned: ScannedPost;
  readonly #object: string;
  /** The body is one entry: it may go through as it is. */
  readonly #isSingle: boolean;
  #head: Buffer | undefined;
  /** Keys given so far; the map is made for the second one, which most POSTs never have. */
  #onlyKey: string | undefined;
  #keyCounts: Map<string, number> | undefined;

  constructor(bytes: Buffer, scanned: ScannedPost) {
    this.#scanned = scanned;
    this.#bytes = bytes;
    this.#object = scanned.object ?? '';
    this.#isSingle = scanned.entries?.length === 1 && scanned.strays === 0;
  }

  /**
   * The page's events in this entry; undefined if there are none (empty lists and no other key).
   */
  entry(scanned: ScannedEntry, route: PageRoute): EventEntry | undefined {
    const items: EventItem[] = [];
    for (const { channel, items: found } of scanned.channels) {
      for (const item of found) items.push(this.#item(route, scanned, channel, item));
    }
    if (items.length === 0 && !isEmpty(scanned)) items.push(this.#item(route, scanned));
    if (items.length === 0) return undefined;
    const { appId, pageId, owner, epoch } = route;
    return { appId, pageId, owner, epoch, timeMs: entryTimeMs(scanned), frame: this.#frame(scanned, items), items };
  }

  /** An entry of one item is never cut: what is around the item is not needed then. */
  #frame(scanned: ScannedEntry, items: readonly EventItem[]): EntryFrame {
    // An empty list has no item of its channel: a bot never gets one, so the body does not pass as
    // it is.
    const hasOnlyItsItems = scanned.channels.length <= 1 && scanned.channels[0]?.channel === items[0]?.channel;
    const whole = this.#isSingle && hasOnlyItsItems ? this.#bytes : undefined;
    if (whole !== undefined && items.length === 1) return { whole, post: NOTHING, entry: NOTHING };
    const entry = Buffer.concat([Buffer.from('{'), ...this.#members(scanned.others)]);
    return { whole, post: this.#postHead(), entry };
  }

  /** Made once for all entries of the POST. */
  #postHead(): Buffer {
    return (this.#head ??= Buffer.concat([Buffer.from('{'), ...this.#members(this.#scanned.others), Buffer.from('"entry":[')]));
  }

  #item(route: PageRoute, entry: ScannedEntry, channel?: Channel, item?: ScannedItem): EventItem {
    const bytes = item === undefined ? this.#withoutLists(entry) : this.#range(item);
    const scope = { where: `${route.key}|${this.#object}|${channel ?? 'none'}`, time: entry.time };
    const conversation = conversationKey(route.pageId, item);
    return { channel, bytes, conversation, dedupeKey: this.#numbered(dedupeKey(scope, item, bytes)) };
  }

  /**
   * Two equal items of one POST are two events, also in its retry: the second gets `#1` behind its
   * key.
   */
  #numbered(key: string): string {
    if (this.#onlyKey === undefined) {
      this.#onlyKey = key;
      return key;
    }
    this.#keyCounts ??= new Map([[this.#onlyKey, 1]]);
    const count = this.#keyCounts.get(key) ?? 0;
    this.#keyCounts.set(key, count + 1);
    return count === 0 ? key : `${key}#${count}`;
  }

  #withoutLists(entry: ScannedEntry): Buffer {
    if (entry.channels.length === 0) return this.#range(entry);
    const members = this.#members(entry.others).slice(0, -1);
    return Buffer.concat([Buffer.from('{'), ...members, Buffer.from('}')]);
  }

  /** Each with a comma behind it. */
  #members(ranges: readonly Range[]): Buffer[] {
    return ranges.flatMap((range) => [this.#range(range), COMMA]);
  }

  #range({ start, end }: Range): Buffer {
    return this.#bytes.subarray(start, end);
  }
}

/** Empty lists and no member that a bot could use; Bottender answers 500 to such an entry. */
function isEmpty({ channels, others }: ScannedEntry): boolean {
  return channels.length > 0 && others.length <= BARE_MEMBERS;
}

/**
 * `entry.time` in milliseconds; Meta writes milliseconds with messages and seconds with changes.
 */
export function entryTimeMs(entry: ScannedEntry): number | undefined {
  const time = entry.time === undefined || entry.time === '' ? NaN : Number(entry.time);
  if (!Number.isFinite(time) || time <= 0) return undefined;
  return Math.floor(time < SECONDS_BELOW ? time * 1_000 : time);
}

interface KeyScope {
  /** App, page, object and channel. */
  readonly where: string;
  /** `entry.time` as Meta wrote it. */
  readonly time: string | undefined;
}

/**
 * Two items with one key are the same event sent twice. A message is known by its mid, whether it
 * is an echo or a deletion; anything else by the entry's time and its own bytes, because a
 * reaction, an edit or a receipt carries the mid of the message it is about.
 */
function dedupeKey(scope: KeyScope, item: ScannedItem | undefined, bytes: Buffer): string {
  if (item?.mid !== undefined && item.mid !== '') {
    const mid = item.mid.length <= MAX_PLAIN_MID ? item.mid : createHash('sha256').update(item.mid).digest('base64url');
    return `${scope.where}|message|${mid}|${item.isEcho ? 'e' : ''}${item.isDeleted ? 'd' : ''}`;
  }
  const hash = createHash('sha256')
    .update(`${scope.time ?? ''}|`)
    .update(bytes)
    .digest('base64url');
  return `${scope.where}|raw|${hash}`;
}

/** The Page and the id that is not the Page's; the Page alone for an item without one. */
function conversationKey(pageId: string, item: ScannedItem | undefined): string {
  const other = item?.sender === pageId ? item.recipient : (item?.sender ?? item?.recipient);
  return other === undefined || other === pageId ? pageId : `${pageId}/${other}`;
}
