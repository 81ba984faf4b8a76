/** Subscribes to exactly these fields. @returns false if Graph refuses one of them */
export type Attempt = (fields: readonly string[]) => Promise<boolean>;

export interface Isolated {
  /** What Graph has in the end. */
  readonly fields: readonly string[];
  /** Those of the candidates that Graph refuses. */
  readonly refused: readonly string[];
}

/**
 * Adds as many of `candidates` to `base` as Graph takes: one bad field makes it refuse the whole list, so the list is halved
 * until the bad ones stand alone. At most twice as many attempts as candidates. Never fewer fields than `base`.
 */
export async function isolateFields(base: readonly string[], candidates: readonly string[], attempt: Attempt): Promise<Isolated> {
  if (candidates.length === 0) return { fields: base, refused: [] };
  const all = [...base, ...candidates];
  if (await attempt(all)) return { fields: all, refused: [] };
  if (candidates.length === 1) return { fields: base, refused: candidates };
  const middle = Math.ceil(candidates.length / 2);
  const first = await isolateFields(base, candidates.slice(0, middle), attempt);
  const second = await isolateFields(first.fields, candidates.slice(middle), attempt);
  return { fields: second.fields, refused: [...first.refused, ...second.refused] };
}
