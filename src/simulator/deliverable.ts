import type { SendRequest, WebhookEntry } from './send-request.js';
import type { World } from './world.js';

/** Which subscribed field an item of `messaging` belongs to, by the key that it holds. */
const FIELD_OF_KEY: readonly (readonly [string, string])[] = [
  ['message', 'messages'],
  ['delivery', 'message_deliveries'],
  ['read', 'message_reads'],
  ['reaction', 'message_reactions'],
  ['message_edit', 'message_edits'],
  ['postback', 'messaging_postbacks'],
  ['optin', 'messaging_optins'],
  ['referral', 'messaging_referrals'],
  ['account_linking', 'messaging_account_linking'],
  ['policy_enforcement', 'messaging_policy_enforcement'],
  ['pass_thread_control', 'messaging_handovers'],
  ['take_thread_control', 'messaging_handovers'],
  ['request_thread_control', 'messaging_handovers'],
  ['app_roles', 'messaging_handovers'],
  ['response_feedback', 'response_feedback'],
  ['messaging_customer_information', 'messaging_customer_information'],
  ['messaging_feedback', 'messaging_feedback'],
  ['order', 'send_cart'],
];

/**
 * Leaves out every item whose field is not subscribed at both levels, app and page: Meta sends
 * nothing else.
 */
export function deliverable(
  world: World,
  request: SendRequest,
): { readonly entries: readonly WebhookEntry[]; readonly left: { readonly pageId: string; readonly field: string }[] } {
  const left: { pageId: string; field: string }[] = [];
  const entries = request.entries ?? [];
  if (request.force === true) return { entries, left };
  const appFields = new Set(
    world.appSubscriptions
      .get(request.appId)
      ?.get(request.object ?? 'page')
      ?.fields.map(({ name }) => name),
  );
  const passing = entries.flatMap((entry) => {
    const pageFields = new Set(world.fields(request.appId, entry.id));
    const wanted = (field: string): boolean => {
      const ok = appFields.has(field) && pageFields.has(field);
      if (!ok) left.push({ pageId: entry.id, field });
      return ok;
    };
    return narrowed(entry, wanted) ?? [];
  });
  return { entries: passing, left };
}

function narrowed(entry: WebhookEntry, wanted: (field: string) => boolean): WebhookEntry | undefined {
  const lists = {
    messaging: entry.messaging?.filter((item) => wanted(messagingField(item))),
    standby: entry.standby?.filter(() => wanted('standby')),
    changes: entry.changes?.filter((item) => wanted(changeField(item))),
  };
  const present = Object.entries(lists).filter(([, items]) => items !== undefined);
  const kept = present.filter(([, items]) => items !== undefined && items.length > 0);
  if (present.length > 0 && kept.length === 0) return undefined;
  const rest = Object.fromEntries(Object.entries(entry).filter(([key]) => !(key in lists)));
  return { ...rest, id: entry.id, ...Object.fromEntries(kept) };
}

function messagingField(item: unknown): string {
  const keys = typeof item === 'object' && item !== null ? (item as Record<string, unknown>) : {};
  const message = keys['message'];
  if (typeof message === 'object' && message !== null && 'is_echo' in message) return 'message_echoes';
  return FIELD_OF_KEY.find(([key]) => key in keys)?.[1] ?? 'messages';
}

function changeField(item: unknown): string {
  const field = typeof item === 'object' && item !== null && 'field' in item ? item.field : undefined;
  return typeof field === 'string' ? field : 'feed';
}

/** The pages of a POST, for the record and for Meta's removal rule. */
export function pageIdsOf(request: SendRequest, entries: readonly WebhookEntry[]): readonly string[] {
  const body: unknown = request.body;
  const inBody = typeof body === 'object' && body !== null && 'entry' in body && Array.isArray(body.entry) ? (body.entry as unknown[]) : [];
  const all = [...entries, ...inBody].map((entry) =>
    typeof entry === 'object' && entry !== null && 'id' in entry ? String(entry.id) : '',
  );
  return [...new Set(all)].filter((id) => id !== '');
}
