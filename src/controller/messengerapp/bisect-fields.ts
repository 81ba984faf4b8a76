/**
 * What came of subscribing to exactly these fields. `refused`: Graph took none, and named this one
 * of them, or none.
 */
export type TryResult = { readonly taken: true } | { readonly taken: false; readonly refused: string | undefined };
export type TryFields = (fields: readonly string[]) => Promise<TryResult>;

export interface Bisected {
  /** What Graph has in the end. */
  readonly fields: readonly string[];
  /** Those of the candidates that Graph refuses. */
  readonly refused: readonly string[];
}

/**
 * Adds as many of `candidates` to `base` as Graph takes: one bad field makes it refuse the whole
 * list. Where Graph names the bad one the rest is tried again without it, one attempt more than
 * there are bad ones; else the list is halved until the bad ones stand alone, at most twice as many
 * attempts as candidates. Never fewer fields than `base`.
 */
export async function bisectFields(base: readonly string[], candidates: readonly string[], attempt: TryFields): Promise<Bisected> {
  if (candidates.length === 0) return { fields: base, refused: [] };
  const all = [...base, ...candidates];
  const result = await attempt(all);
  if (result.taken) return { fields: all, refused: [] };
  const { refused } = result;
  if (refused !== undefined && candidates.includes(refused)) return withoutNamed(base, candidates, { refused, attempt });
  if (candidates.length === 1) return { fields: base, refused: candidates };
  const middle = Math.ceil(candidates.length / 2);
  const first = await bisectFields(base, candidates.slice(0, middle), attempt);
  const second = await bisectFields(first.fields, candidates.slice(middle), attempt);
  return { fields: second.fields, refused: [...first.refused, ...second.refused] };
}

async function withoutNamed(
  base: readonly string[],
  candidates: readonly string[],
  { refused, attempt }: { readonly refused: string; readonly attempt: TryFields },
): Promise<Bisected> {
  const left = await bisectFields(
    base,
    candidates.filter((field) => field !== refused),
    attempt,
  );
  return { fields: left.fields, refused: [refused, ...left.refused] };
}
