import type { ObservedSubscription } from '../ports/graph.js';

export type SubscriptionPlan =
  { readonly action: 'none' } | { readonly action: 'subscribe'; readonly fields: readonly string[]; readonly because: string };

/** Decides, without doing anything, how to get from what is to what is wanted. */
export function planSubscription(wanted: readonly string[], observed: ObservedSubscription): SubscriptionPlan {
  const fields = [...new Set(wanted)].sort();
  if (!observed.subscribed) return { action: 'subscribe', fields, because: 'the page is not subscribed to the app' };
  const missing = fields.filter((field) => !observed.fields.has(field));
  const extra = [...observed.fields].filter((field) => !fields.includes(field)).sort();
  if (missing.length === 0 && extra.length === 0) return { action: 'none' };
  return { action: 'subscribe', fields, because: `missing [${missing.join(', ')}], extra [${extra.join(', ')}]` };
}
