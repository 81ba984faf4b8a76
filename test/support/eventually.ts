/**
 * Waits until `probe` neither throws nor returns false, undefined or null, and resolves with what
 * it returned.
 * @throws the last failure, once `deadlineMs` have passed.
 */
export async function eventually<T>(probe: () => T | Promise<T>, deadlineMs = 10_000, what = 'the condition'): Promise<NonNullable<T>> {
  const end = performance.now() + deadlineMs;
  let last: unknown;
  for (;;) {
    try {
      const value = await probe();
      if (value !== false && value !== undefined && value !== null) return value;
      last = new Error(`${what} did not hold within ${deadlineMs} ms`);
    } catch (error) {
      last = error;
    }
    if (performance.now() > end) throw last;
    await new Promise((resolve) => setTimeout(resolve, 15));
  }
}
