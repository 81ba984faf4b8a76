import { bodyOf, type EventItem } from '../../core/domain/event.js';
import type { RoutedEntry } from '../../core/ports/delivery.js';

/**
 * Cuts what a page's bot is to get into requests: at most `maxEventsPerRequest` items (0: no bound) and `maxRequestBytes`,
 * items of one channel only, in their order. An item that is larger by itself makes a request of its own.
 */
export function cutParts<T extends { readonly item: EventItem }>(entry: RoutedEntry, claimed: readonly T[]): T[][] {
  const [first] = claimed;
  if (first === undefined) return [];
  if (claimed.length === 1) return [[first]];
  const { maxEventsPerRequest, maxRequestBytes } = entry.route;
  const around = bodyOf(entry.entry, [first.item]).length - first.item.bytes.length;
  const most = maxEventsPerRequest === 0 ? Infinity : maxEventsPerRequest;
  const parts: T[][] = [];
  let part: T[] = [];
  let bytes = 0;
  for (const one of claimed) {
    const size = one.item.bytes.length + 1;
    const fits = part.length < most && around + bytes + size <= maxRequestBytes && goTogether(part[0], one);
    if (part.length > 0 && !fits) {
      parts.push(part);
      part = [];
      bytes = 0;
    }
    part.push(one);
    bytes += size;
  }
  parts.push(part);
  return parts;
}

function goTogether(first: { readonly item: EventItem } | undefined, one: { readonly item: EventItem }): boolean {
  return first === undefined || (one.item.channel !== undefined && first.item.channel === one.item.channel);
}
