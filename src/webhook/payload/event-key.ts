import { createHash } from 'node:crypto';
import type { ScannedEntry, ScannedItem } from './scan.js';

/** Seconds and milliseconds are told apart here: as milliseconds this is March 1973, as seconds the year 5138. */
const SECONDS_BELOW = 100_000_000_000;
/** A mid has 60 to 110 characters; a longer one is hashed, so that a memory of keys stays small. */
const MAX_PLAIN_MID = 128;

export interface KeyScope {
  /** App, object, entry and channel. */
  readonly where: string;
  /** `entry.time` as Meta wrote it. */
  readonly time: string | undefined;
}

/** `entry.time` in milliseconds; Meta writes milliseconds with messages and seconds with changes. */
export function entryTimeMs(entry: ScannedEntry): number | undefined {
  const time = entry.time === undefined || entry.time === '' ? NaN : Number(entry.time);
  if (!Number.isFinite(time) || time <= 0) return undefined;
  return Math.floor(time < SECONDS_BELOW ? time * 1_000 : time);
}

/**
 * Two items with one key are the same event sent twice. A message is known by its mid, whether it is an echo or a
 * deletion; anything else by the entry's time and its own bytes, because a reaction, an edit or a receipt carries the
 * mid of the message it is about.
 */
export function dedupeKey(scope: KeyScope, item: ScannedItem | undefined, bytes: Buffer): string {
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

/** Items with one conversation key go one after the other: the Page and the id that is not the Page's, else the Page. */
export function conversationKey(pageId: string, item: ScannedItem | undefined): string {
  const other = item?.sender === pageId ? item.recipient : (item?.sender ?? item?.recipient);
  return other === undefined || other === pageId ? pageId : `${pageId}/${other}`;
}
