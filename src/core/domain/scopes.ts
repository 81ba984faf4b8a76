/**
 * Fields of conversations. Meta's text for a refused one names `pages_messaging`; for all others
 * `pages_manage_metadata`.
 */
const MESSAGING_FIELD = /^(?:messages$|messaging_|message_|standby$)/;

/**
 * The permissions that a token needs so that a Page can be subscribed to these fields. `leadgen` is
 * said to need `leads_retrieval` too, but that is not confirmed: Graph's own refusal tells.
 */
export function requiredScopes(fields: readonly string[]): readonly string[] {
  const messaging = fields.some((field) => MESSAGING_FIELD.test(field));
  return messaging ? ['pages_manage_metadata', 'pages_messaging'] : ['pages_manage_metadata'];
}
