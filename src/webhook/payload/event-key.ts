import { createHash } from 'node:crypto';
import type { EventFacts } from './scan-item.js';

/** As milliseconds this is March 1973, as seconds the year 5138: below it a time is in seconds. */
const SECONDS_BELOW = 100_000_000_000;
/** A mid has 60 to 110 characters; a longer id is hashed, so that remembered keys stay small. */
const MAX_PLAIN_ID = 160;

export interface KeyScope {
  /** App and page. */
  readonly page: string;
  readonly object: string;
  /** The list that held the item; undefined: the item is the entry itself. */
  readonly list: string | undefined;
  /** `entry.time` as Meta wrote it. */
  readonly entryTime: string | undefined;
}

/**
 * Two items with one key are the same event sent twice. Meta may repeat an event with another
 * `entry.time`, so an event is known by its own id, else by its bytes, which hold a time of their
 * own. Only an item without id and time is distinguished by `entry.time`: twice is better than
 * never.
 */
export function dedupeKey(scope: KeyScope, facts: EventFacts | undefined, bytes: Buffer): string {
  const { page, object, list = 'none', entryTime = '' } = scope;
  const where = `${page}|${object}|${list}`;
  const id = facts?.eventId;
  if (id !== undefined) return `${where}|${id.length <= MAX_PLAIN_ID ? id : hashOf(id)}`;
  return `${where}|raw|${hashOf(hasOwnTime(facts) ? '' : `${entryTime}|`, bytes)}`;
}

function hasOwnTime(facts: EventFacts | undefined): boolean {
  return facts !== undefined && (facts.timestamp !== undefined || facts.hasWatermark || facts.id !== undefined);
}

/** SHA-256 of the parts behind one another. */
export function hashOf(...parts: (string | Buffer)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('base64url');
}

/**
 * The Page and the id that is not the Page's; without one, the Page and the event's own id (that of
 * a call); else the Page alone.
 */
export function conversationKey(pageId: string, facts: EventFacts | undefined): string {
  const other = facts?.sender === pageId ? facts.recipient : (facts?.sender ?? facts?.recipient);
  if (other !== undefined && other !== pageId) return `${pageId}/${other}`;
  return facts?.id === undefined ? pageId : `${pageId}/id/${facts.id}`;
}

/** A time in milliseconds: Meta writes milliseconds with messages and seconds with changes. */
export function timeMs(text: string | undefined): number | undefined {
  const time = text === undefined || text === '' ? NaN : Number(text);
  if (!Number.isFinite(time) || time <= 0) return undefined;
  return Math.floor(time < SECONDS_BELOW ? time * 1_000 : time);
}

export function earlier(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? (one ?? other) : Math.min(one, other);
}
