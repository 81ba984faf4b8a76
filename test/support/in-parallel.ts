/**
 * Does it for every item, so many at once, in the order of the list. @throws the first failure,
 * when all under way have ended
 */
export async function inParallel<T>(items: readonly T[], atOnce: number, work: (item: T) => Promise<unknown>): Promise<void> {
  const rest = items.values();
  const one = async (): Promise<void> => {
    for (const item of rest) await work(item);
  };
  const ended = await Promise.allSettled(Array.from({ length: atOnce }, one));
  for (const result of ended) if (result.status === 'rejected') throw result.reason;
}
