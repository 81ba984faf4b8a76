/**
 * How Graph writes JSON in its answers: `/` as `\/`, everything beyond ASCII as `\uXXXX` with
 * lower-case digits.
 */
export function graphJson(value: unknown): string {
  return ascii(JSON.stringify(value).replaceAll('/', '\\/'));
}

/**
 * How Meta writes the body of a webhook POST, which is also what it signs: as above, and `<`, `%`,
 * `@` escaped (Meta, "Webhooks: Validating Payloads": "escaped unicode version of the payload, with
 * lowercase hex digits").
 */
export function webhookJson(value: unknown): string {
  return graphJson(value).replaceAll('<', '\\u003C').replaceAll('%', '\\u0025').replaceAll('@', '\\u0040');
}

function ascii(json: string): string {
  return json.replace(/[\u007f-\uffff]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
