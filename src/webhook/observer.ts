import type { EntryResult, Handshake, Ignored, Refusal } from '../core/ports/metric-labels.js';
import type { Channel } from '../core/domain/event.js';

export type { EntryResult, Handshake, Ignored, Refusal };

/**
 * Counts what the public listener does. Label values are closed unions and app ids, never page ids.
 */
export interface WebhookObserver {
  handshake(result: Handshake): void;
  /** A POST on the path of an app arrived; nothing else is known of it yet. */
  received(): void;
  refused(why: Refusal): void;
  /** A POST whose signature verified. */
  verified(appId: string, bytes: number): void;
  ignored(appId: string, why: Ignored): void;
  entry(appId: string, result: EntryResult): void;
  items(appId: string, channel: Channel | 'none', count: number): void;
  /** A verified POST was answered, `ms` after its last byte. */
  answered(appId: string, status: 200 | 503, ms: number): void;
}
