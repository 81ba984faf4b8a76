const DIGITS = /^\d{1,30}$/;

/**
 * Whether `a` is older than `b`. Resource versions of one kind are comparable where both are
 * decimal numbers (KEP-5504 makes that a promise); anything else is never called older.
 */
export function isOlder(a: string | undefined, b: string | undefined): boolean {
  if (a === undefined || b === undefined || !DIGITS.test(a) || !DIGITS.test(b)) return false;
  return BigInt(a) < BigInt(b);
}
