import type { NamespacedName } from './object-key.js';

/**
 * The name of the list of an entry in which Meta puts an item: `messaging`, `standby`, `changes`,
 * `calls`, or one that is newer than this operator. Letters, digits and `_`.
 */
export type Channel = string;

/** One item of a list of an entry, as the bytes that Meta sent. */
export interface EventItem {
  /** undefined: the entry has no list with items, and the item is the entry itself. */
  readonly channel: Channel | undefined;
  /** The item's own bytes out of the raw body, byte for byte. */
  readonly bytes: Buffer;
  /** The conversation it belongs to: items with the same text are delivered one after the other. */
  readonly conversation: string;
  /**
   * Equal for the same event in a retry, different for every other item. Already hashed where it is
   * long.
   */
  readonly dedupeKey: string;
  /**
   * The earlier of `entry.time` and the item's own time, in milliseconds; undefined: it has
   * neither.
   */
  readonly timeMs: number | undefined;
}

/** What Meta sent around the items of an entry. */
export interface EntryFrame {
  /** The raw body, where it holds exactly the items of this entry: it is sent as it is. */
  readonly whole: Buffer | undefined;
  /** The POST up to and with `"entry":[`. Empty where `whole` is the only body there can be. */
  readonly post: Buffer;
  /** The entry up to its list of items: `{"id":"…","time":…,`. Empty as `post` is. */
  readonly entry: Buffer;
}

/**
 * The events of one entry of a POST, in Meta's order, with the page they belong to. Plain data
 * without a secret: it can be stored, and {@link bodyOf} builds the same bodies from what is read
 * back.
 */
export interface EventEntry {
  readonly appId: string;
  readonly pageId: string;
  /** The MessengerPage that held the claim when the entry arrived, and its epoch. */
  readonly owner: NamespacedName;
  readonly epoch: number;
  /** `entry.time` in milliseconds, whether Meta wrote seconds or milliseconds; undefined: none. */
  readonly timeMs: number | undefined;
  readonly frame: EntryFrame;
  readonly items: readonly EventItem[];
}

const COMMA = Buffer.from(',');
/** Of `"name":[`, without the name. */
const LIST_QUOTES = 4;
/** Of the list and the entry, or of the list of entries and the POST. */
const CLOSE_LIST = Buffer.from(']}');
/** How long {@link bodyOf} is, without making it. */
export function bodyLengthOf(entry: EventEntry, items: readonly EventItem[]): number {
  const { whole, post, entry: start } = entry.frame;
  if (whole !== undefined && items.length === entry.items.length) return whole.length;
  const channel = items[0]?.channel;
  let bytes = post.length + CLOSE_LIST.length + items.length - 1;
  if (channel !== undefined) bytes += start.length + channel.length + LIST_QUOTES + CLOSE_LIST.length;
  for (const item of items) bytes += item.bytes.length;
  return bytes;
}

/**
 * The body for the bot: these items of the entry, all of one channel and in the entry's order, with
 * the other keys of the entry and the POST byte for byte. The raw body itself where it holds
 * nothing else.
 */
export function bodyOf(entry: EventEntry, items: readonly EventItem[]): Buffer {
  const { whole, post, entry: start } = entry.frame;
  if (whole !== undefined && items.length === entry.items.length) return whole;
  const channel = items[0]?.channel;
  const pieces = [post];
  if (channel !== undefined) pieces.push(start, Buffer.from(`"${channel}":[`));
  for (const { bytes } of items) pieces.push(bytes, COMMA);
  pieces.pop();
  if (channel !== undefined) pieces.push(CLOSE_LIST);
  pieces.push(CLOSE_LIST);
  return Buffer.concat(pieces);
}
