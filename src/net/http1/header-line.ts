/** What may not stand in a header's value (RFC 9110, 5.5), and never does: all that is sent to a bot is ours. */
const NOT_IN_A_VALUE = /[^\t\x20-\x7e]/;

/** `name: value` and the end of the line. @throws if the value would break out of it */
export function headerLine(name: string, value: string): string {
  if (NOT_IN_A_VALUE.test(value)) throw new Error(`the value of ${name} cannot be sent as a header`);
  return `${name}: ${value}\r\n`;
}
