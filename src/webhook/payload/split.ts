import type { EventItem, RoutedEntry } from '../../core/ports/delivery.js';
import type { PageRoute } from '../../core/ports/page-lookup.js';
import { conversationKey, dedupeKey, entryTimeMs } from './event-key.js';
import type { Range, ScannedChannel, ScannedEntry, ScannedItem, ScannedPost } from './scan.js';

const COMMA = Buffer.from(',');
const END_OF_POST = Buffer.from(']}');
const END_OF_ENTRY = Buffer.from(']}');
const CHANNEL_OPEN = {
  messaging: Buffer.from('"messaging":['),
  standby: Buffer.from('"standby":['),
  changes: Buffer.from('"changes":['),
} as const;

/** Makes what the bots get out of a scanned body: every item as its own range of Meta's bytes, nothing written anew. */
export class Splitter {
  readonly bytes: Buffer;
  readonly object: string;
  /** Whether the body is one entry of one kind of items: then it may go through as it is. */
  readonly single: boolean;
  readonly #post: ScannedPost;
  #head: Buffer | undefined;

  constructor(bytes: Buffer, post: ScannedPost, object: string) {
    this.bytes = bytes;
    this.object = object;
    this.single = post.entries?.length === 1 && post.strays === 0;
    this.#post = post;
  }

  /** What the page's bot is to get of this entry; undefined if there is nothing in it (an empty list and no more). */
  entry(scanned: ScannedEntry, route: PageRoute): RoutedEntry | undefined {
    const entry = new SplitEntry(this, scanned, route);
    return entry.items.length === 0 ? undefined : entry;
  }

  /** The body up to and with `"entry":[`. */
  get head(): Buffer {
    return (this.#head ??= Buffer.concat([Buffer.from('{'), ...this.members(this.#post.others), Buffer.from('"entry":[')]));
  }

  /** Each with a comma behind it. */
  members(ranges: readonly Range[]): Buffer[] {
    return ranges.flatMap((range) => [this.range(range), COMMA]);
  }

  range({ start, end }: Range): Buffer {
    return this.bytes.subarray(start, end);
  }
}

/** Keys of an entry that say whose it is and when, not what happened. */
const BARE_MEMBERS = 2;

class SplitEntry implements RoutedEntry {
  readonly route: PageRoute;
  readonly timeMs: number | undefined;
  readonly items: readonly EventItem[];
  readonly #splitter: Splitter;
  readonly #scanned: ScannedEntry;
  /** The whole body holds these items and no list besides. */
  readonly #passesThrough: boolean;
  #ownHead: Buffer | undefined;

  constructor(splitter: Splitter, scanned: ScannedEntry, route: PageRoute) {
    this.#splitter = splitter;
    this.#scanned = scanned;
    this.route = route;
    this.timeMs = entryTimeMs(scanned);
    this.#passesThrough = splitter.single && scanned.channels.length <= 1;
    this.items = this.#cut();
  }

  body(items: readonly EventItem[]): Buffer {
    if (this.#passesThrough && items.length === this.items.length) return this.#splitter.bytes;
    const channel = items[0]?.channel;
    const pieces: Buffer[] = [this.#splitter.head];
    if (channel === undefined) pieces.push(this.#bare());
    else pieces.push(this.#head, CHANNEL_OPEN[channel], joined(items), END_OF_ENTRY);
    pieces.push(END_OF_POST);
    return Buffer.concat(pieces);
  }

  /** The entry up to its list. Made once: an entry of many items is written many times. */
  get #head(): Buffer {
    return (this.#ownHead ??= Buffer.concat([Buffer.from('{'), ...this.#splitter.members(this.#scanned.others)]));
  }

  #cut(): EventItem[] {
    const items: EventItem[] = [];
    for (const list of this.#scanned.channels) for (const item of list.items) items.push(this.#item(list, item));
    if (items.length === 0 && !this.#isEmpty()) items.push(this.#item(undefined, undefined));
    return items;
  }

  /** Empty lists and nothing that a bot could make sense of; Bottender answers 500 to such an entry. */
  #isEmpty(): boolean {
    return this.#scanned.channels.length > 0 && this.#scanned.others.length <= BARE_MEMBERS;
  }

  #item(list: ScannedChannel | undefined, item: ScannedItem | undefined): EventItem {
    const { pageId } = this.route;
    const bytes = item === undefined ? this.#bare() : this.#splitter.range(item);
    const channel = list?.channel;
    const where = `${this.route.key}|${this.#splitter.object}|${channel ?? 'none'}`;
    const scope = { where, time: this.#scanned.time };
    return { channel, bytes, conversation: conversationKey(pageId, item), dedupeKey: dedupeKey(scope, item, bytes) };
  }

  /** The entry without empty lists. */
  #bare(): Buffer {
    if (this.#scanned.channels.length === 0) return this.#splitter.range(this.#scanned);
    const members = this.#splitter.members(this.#scanned.others).slice(0, -1);
    return Buffer.concat([Buffer.from('{'), ...members, Buffer.from('}')]);
  }
}

function joined(items: readonly EventItem[]): Buffer {
  const pieces: Buffer[] = [];
  for (const item of items) {
    if (pieces.length > 0) pieces.push(COMMA);
    pieces.push(item.bytes);
  }
  return Buffer.concat(pieces);
}
