import { randomBytes } from 'node:crypto';
import type { WebhookEntry } from './send-request.js';
import { psid } from './messaging.js';

export const DEFAULT_USER = 'user';

/** What a person does on a page, in the few words that a test or a terminal wants to write. */
export interface SimpleEvent {
  readonly pageId: string;
  /** Any name; it becomes another id on each page. Default `user`. */
  readonly user?: string;
  readonly text?: string;
  readonly postback?: string;
  /** As a standby item instead of a message to this app. */
  readonly standby?: boolean;
  /** Message id; default: a new one. */
  readonly mid?: string;
}

/**
 * An entry as Meta would make it of a message or a postback: times in milliseconds, sender and
 * recipient as ids.
 */
export function entryOf(event: SimpleEvent, nowMs: number): WebhookEntry {
  const mid = event.mid ?? `m_${randomBytes(18).toString('base64url')}`;
  const item = {
    sender: { id: psid(event.pageId, event.user ?? DEFAULT_USER) },
    recipient: { id: event.pageId },
    timestamp: nowMs,
    ...(event.postback === undefined
      ? { message: { mid, text: event.text ?? 'hello' } }
      : { postback: { mid, title: event.postback, payload: event.postback } }),
  };
  return { id: event.pageId, time: nowMs, ...(event.standby === true ? { standby: [item] } : { messaging: [item] }) };
}
