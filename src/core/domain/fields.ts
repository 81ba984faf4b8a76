import { editDistance } from '../../kit/nearest.js';

/**
 * The fields of the webhook object `page` that Graph is known to take (Meta's SDK spec of 15 April
 * 2026, `enum_types.json`). In Graph's own order, which is also the order of its "must be one of"
 * text. A field that is not in here may still be good: Meta adds some; so the list warns and never
 * refuses.
 */
export const PAGE_FIELDS: readonly string[] = [
  'affiliation',
  'attire',
  'awards',
  'bio',
  'birthday',
  'business_integrity',
  'call_permission_reply',
  'call_settings_update',
  'calls',
  'category',
  'checkins',
  'comment_poll_response',
  'company_overview',
  'conversations',
  'culinary_team',
  'current_location',
  'description',
  'email',
  'feature_access_list',
  'feed',
  'follow',
  'founded',
  'general_info',
  'general_manager',
  'group_feed',
  'hometown',
  'hours',
  'inbox_labels',
  'invalid_topic_placeholder',
  'invoice_access_bank_slip_events',
  'invoice_access_invoice_change',
  'invoice_access_invoice_draft_change',
  'invoice_access_onboarding_status_active',
  'leadgen',
  'leadgen_fat',
  'leadgen_update',
  'live_videos',
  'local_delivery',
  'location',
  'marketing_message_clicks',
  'marketing_message_deliveries',
  'marketing_message_delivery_failed',
  'marketing_message_echoes',
  'marketing_message_reads',
  'marketing_messages_subscriber_upload_status',
  'mcom_invoice_change',
  'members',
  'mention',
  'merchant_review',
  'message_context',
  'message_deliveries',
  'message_echoes',
  'message_edits',
  'message_mention',
  'message_reactions',
  'message_reads',
  'message_template_status_update',
  'messages',
  'messaging_account_linking',
  'messaging_appointments',
  'messaging_checkout_updates',
  'messaging_customer_information',
  'messaging_direct_sends',
  'messaging_fblogin_account_linking',
  'messaging_feedback',
  'messaging_game_plays',
  'messaging_handovers',
  'messaging_in_thread_lead_form_submit',
  'messaging_integrity',
  'messaging_optins',
  'messaging_optouts',
  'messaging_payments',
  'messaging_policy_enforcement',
  'messaging_postbacks',
  'messaging_pre_checkouts',
  'messaging_referrals',
  'mission',
  'name',
  'page_about_story',
  'page_change_proposal',
  'page_upcoming_change',
  'parking',
  'payment_options',
  'payment_request_update',
  'personal_info',
  'personal_interests',
  'phone',
  'picture',
  'price_range',
  'product_review',
  'products',
  'public_transit',
  'publisher_subscriptions',
  'ratings',
  'registration',
  'response_feedback',
  'send_cart',
  'standby',
  'story_poll_response',
  'story_share',
  'user_action',
  'video_text_question_responses',
  'videos',
  'website',
];

const KNOWN: ReadonlySet<string> = new Set(PAGE_FIELDS);
/**
 * Further away than this a name is not a slip of the pen, and naming a "nearest" one would mislead.
 */
const MAX_DISTANCE = 4;
const MAX_NAME = 64;

/** Whether Graph is known to take this field for a Page. */
export function isKnownPageField(name: string): boolean {
  return KNOWN.has(name);
}

/**
 * The known field whose name is nearest to `name` (Instagram's and the old singular names are such
 * near misses); undefined where none is near.
 */
export function nearestField(name: string): string | undefined {
  const wanted = name.toLowerCase().slice(0, MAX_NAME);
  let best: string | undefined;
  let bestDistance = Math.min(MAX_DISTANCE, Math.floor(wanted.length / 2)) + 1;
  for (const field of PAGE_FIELDS) {
    const distance = editDistance(wanted, field);
    if (distance < bestDistance) {
      best = field;
      bestDistance = distance;
    }
  }
  return best;
}
