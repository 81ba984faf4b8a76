/** A page's settings for its bot, as its author wrote them. */
export type FreeForm = Readonly<Record<string, unknown>>;

/**
 * As much as a page may carry itself (`spec.botConfig.inline`), as JSON. A schema cannot bound what
 * it does not describe.
 */
export const MAX_INLINE_BYTES = 16_384;
/** Deeper data overflows the stack of code that walks through it. */
const MAX_DEPTH = 64;
const PROBLEM = 'messenger-operator.dev/problem';

/**
 * What is wrong with `spec.botConfig.inline`, as the end of a sentence that begins with its name.
 * undefined: nothing.
 */
export function inlineProblem(inline: FreeForm | undefined): string | undefined {
  if (inline === undefined) return undefined;
  const told = inline[PROBLEM];
  if (typeof told === 'string') return told;
  const json = jsonOf(inline);
  if (json === undefined) return `is nested more than ${MAX_DEPTH} levels deep`;
  const bytes = Buffer.byteLength(json);
  if (bytes <= MAX_INLINE_BYTES) return undefined;
  return `has ${bytes} bytes as JSON, more than ${MAX_INLINE_BYTES}: put it into a ConfigMap and name that in configMapRef`;
}

/** What a cache keeps of it: all if there is no problem, else the problem alone. */
export function boundedInline(inline: FreeForm): FreeForm {
  const problem = inlineProblem(inline);
  return problem === undefined ? inline : { [PROBLEM]: problem };
}

/** undefined: it is nested too deeply, or refers to itself. */
export function jsonOf(value: unknown): string | undefined {
  try {
    const json = JSON.stringify(value);
    return isDeep(json) ? undefined : json;
  } catch {
    return undefined;
  }
}

function isDeep(json: string): boolean {
  let depth = 0;
  for (const [found] of json.matchAll(/"(?:[^"\\]|\\.)*"|[[{]|[\]}]/g)) {
    if (found === '[' || found === '{') depth += 1;
    else if (found === ']' || found === '}') depth -= 1;
    if (depth > MAX_DEPTH) return true;
  }
  return false;
}
