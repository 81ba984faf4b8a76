import type { Channel, EntryFrame, EventEntry, EventItem } from '../../core/domain/event.js';
import type { PageRoute } from '../../core/ports/page-lookup.js';
import { conversationKey, dedupeKey, earlier, hashOf, timeMs } from './event-key.js';
import type { Range, ScannedItem } from './scan-item.js';
import type { ScannedEntry, ScannedPost } from './scan.js';

/**
 * Lists whose items have a `timestamp` that is the time of the event; that of a call is its start.
 */
const OWN_TIMES: ReadonlySet<Channel | undefined> = new Set(['messaging', 'standby', undefined]);
/**
 * What is around the items is sent with each of them. All these copies together may be so many
 * times the POST, and so much for each item in any case: what Meta writes around an item takes 80
 * bytes.
 */
const MOST_COPIED = 4;
const COPIED_PER_ITEM_BYTES = 512;
const PLAIN_TIME = /^[0-9]{1,16}$/;
const NOTHING = Buffer.alloc(0);
const COMMA = Buffer.from(',');

/** An entry that cannot be routed now. */
export interface UndecidedEntry {
  readonly key: string;
  /** That of its latest event: see {@link EventItem.timeMs}. Infinity: none. */
  readonly timeMs: number;
}

/** Where an item comes from. */
interface Place {
  readonly page: PageIdentity;
  readonly entry: ScannedEntry;
  /** `entry.time`. */
  readonly entryMs: number | undefined;
  readonly channel: Channel | undefined;
}

/** What is needed of a route to tell the events of a page apart. */
type PageIdentity = Pick<PageRoute, 'key' | 'pageId'>;

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
  #shortHead: Buffer | undefined;
  /** What may be around each item. */
  readonly #mostAround: number;
  #leftOut = false;
  /** Keys given so far; the map is made for the second one, which most POSTs never have. */
  #onlyKey: string | undefined;
  #keyCounts: Map<string, number> | undefined;

  constructor(bytes: Buffer, scanned: ScannedPost) {
    this.#scanned = scanned;
    this.#bytes = bytes;
    this.#object = scanned.object ?? '';
    this.#isSingle = scanned.entries?.length === 1 && scanned.strays === 0 && scanned.isExact;
    this.#mostAround = Math.max(COPIED_PER_ITEM_BYTES, (MOST_COPIED * bytes.length) / itemCount(scanned));
  }

  /** Whether members around the items of some entry are left out of what the bots get. */
  get leftOut(): boolean {
    return this.#leftOut;
  }

  /**
   * The page's events in this entry; undefined if there are none (empty lists and no other key).
   */
  entry(scanned: ScannedEntry, route: PageRoute): EventEntry | undefined {
    const items = this.#items(scanned, route);
    if (items.length === 0) return undefined;
    const { appId, pageId, owner, epoch } = route;
    return { appId, pageId, owner, epoch, timeMs: timeMs(scanned.time), frame: this.#frame(scanned, items, pageId), items };
  }

  /**
   * What an entry without a route is known by in Meta's retries, and when the latest of its events
   * happened by its own time.
   */
  undecided(scanned: ScannedEntry, appId: string): UndecidedEntry {
    const pageId = scanned.id ?? '';
    const items = this.#items(scanned, { key: `${appId}/${pageId}`, pageId });
    const latestMs = items.reduce((latest, item) => Math.max(latest, item.timeMs ?? Infinity), 0);
    return { key: hashOf(...items.map(({ dedupeKey: key }) => key)), timeMs: items.length === 0 ? Infinity : latestMs };
  }

  #items(scanned: ScannedEntry, page: PageIdentity): EventItem[] {
    const entryMs = timeMs(scanned.time);
    const items: EventItem[] = [];
    for (const { channel, items: found } of scanned.channels) {
      for (const item of found) items.push(this.#item({ page, entry: scanned, entryMs, channel }, item));
    }
    if (items.length === 0 && !isEmpty(scanned)) items.push(this.#item({ page, entry: scanned, entryMs, channel: undefined }, undefined));
    return items;
  }

  /** An entry of one item is never cut: what is around the item is not needed then. */
  #frame(scanned: ScannedEntry, items: readonly EventItem[], pageId: string): EntryFrame {
    const whole = this.#isSingle && hasOnly(scanned, items[0]?.channel) ? this.#bytes : undefined;
    if (whole !== undefined && items.length === 1) return { whole, post: NOTHING, entry: NOTHING };
    if (this.#isLong(scanned, items[0]?.channel)) return { ...this.#shortFrame(scanned, pageId), whole };
    const entry = Buffer.concat([Buffer.from('{'), ...this.#members(scanned.others)]);
    return { whole, post: this.#postHead(), entry };
  }

  /** An item without a channel is the entry itself. */
  #isLong({ others }: ScannedEntry, channel: Channel | undefined): boolean {
    return lengthOf(this.#scanned.others) + (channel === undefined ? 0 : lengthOf(others)) > this.#mostAround;
  }

  /** Only `object`, `id` and `time`, as they were read: what is around them may be long too. */
  #shortFrame({ time }: ScannedEntry, pageId: string): Omit<EntryFrame, 'whole'> {
    this.#leftOut = true;
    this.#shortHead ??= Buffer.from(`{"object":${JSON.stringify(this.#object)},"entry":[`);
    const plainTime = time !== undefined && PLAIN_TIME.test(time) ? `"time":${time},` : '';
    return { post: this.#shortHead, entry: Buffer.from(`{"id":"${pageId}",${plainTime}`) };
  }

  /** Made once for all entries of the POST. */
  #postHead(): Buffer {
    return (this.#head ??= Buffer.concat([Buffer.from('{'), ...this.#members(this.#scanned.others), Buffer.from('"entry":[')]));
  }

  #item({ page, entry, entryMs, channel }: Place, item: ScannedItem | undefined): EventItem {
    const bytes = item === undefined ? this.#withoutLists(entry) : this.#range(item);
    const facts = item === undefined ? entry.facts : item.facts;
    const scope = { page: page.key, object: this.#object, list: channel, entryTime: entry.time };
    return {
      channel,
      bytes,
      conversation: conversationKey(page.pageId, facts),
      dedupeKey: this.#numbered(dedupeKey(scope, facts, bytes)),
      timeMs: earlier(entryMs, OWN_TIMES.has(channel) ? timeMs(facts?.timestamp) : undefined),
    };
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
    if (entry.channels.length === 0 && entry.isExact) return this.#range(entry);
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

/** A list without items has none of its channel: a bot never gets one, so the body is cut. */
function hasOnly({ isExact, channels }: ScannedEntry, channel: Channel | undefined): boolean {
  return isExact && channels.length <= 1 && channels[0]?.channel === channel;
}

function itemCount({ entries }: ScannedPost): number {
  let count = 0;
  for (const { channels } of entries ?? []) for (const { items } of channels) count += items.length;
  return Math.max(1, count, entries?.length ?? 0);
}

function lengthOf(ranges: readonly Range[]): number {
  return ranges.reduce((sum, { start, end }) => sum + end - start, 0);
}

/** Empty lists and no member that a bot could use; Bottender answers 500 to such an entry. */
function isEmpty({ channels, hasContent }: ScannedEntry): boolean {
  return channels.length > 0 && !hasContent;
}
