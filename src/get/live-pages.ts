/**
 * How delivery to a page goes, over all processes that were asked. Times of the wall clock, in
 * milliseconds.
 */
export interface LivePage {
  /** undefined: no event came since these processes started. */
  readonly lastEventMs: number | undefined;
  readonly lastFailure: { readonly atMs: number; readonly why: string } | undefined;
}

export interface LivePages {
  /** By `namespace/name`. A page without an entry got no event since the processes started. */
  readonly pages: ReadonlyMap<string, LivePage>;
  /** How many processes answered. */
  readonly answers: number;
  /** One sentence for each that did not. */
  readonly notes: readonly string[];
}

const DEADLINE_MS = 10_000;
/** 20,000 pages, which is all that a process remembers, are a quarter of it. */
const MAX_BYTES = 16 * 1_024 * 1_024;

/**
 * Asks webhook or standalone processes, at their admin addresses, how delivery to each page goes;
 * of several replicas the latest event and the latest failure count. One that does not answer is
 * reported, and what it knows is missing.
 */
export async function askLivePages(adminUrls: readonly string[], signal: AbortSignal): Promise<LivePages> {
  const pages = new Map<string, LivePage>();
  const notes: string[] = [];
  const asked = await Promise.allSettled(adminUrls.map((url) => ask(url, signal)));
  asked.forEach((answer, i) => {
    if (answer.status === 'fulfilled') for (const { owner, live } of answer.value) pages.set(owner, later(pages.get(owner), live));
    else notes.push(`${adminUrls[i] ?? ''} does not report its deliveries: ${wordsOf(answer.reason)}`);
  });
  return { pages, answers: asked.length - notes.length, notes };
}

interface Told {
  /** `namespace/name` */
  readonly owner: string;
  readonly live: LivePage;
}

async function ask(adminUrl: string, signal: AbortSignal): Promise<readonly Told[]> {
  const url = new URL('debug/pages', adminUrl.endsWith('/') ? adminUrl : `${adminUrl}/`);
  const response = await fetch(url, { signal: AbortSignal.any([signal, AbortSignal.timeout(DEADLINE_MS)]), redirect: 'error' });
  if (!response.ok) throw new Error(`status ${response.status}; is it the admin port of a webhook or standalone process?`);
  const told: unknown = JSON.parse(await bounded(response));
  if (!Array.isArray(told)) throw new Error('the answer is no list of pages');
  return told.flatMap((one) => read(one) ?? []);
}

async function bounded(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.length;
    if (bytes > MAX_BYTES) throw new Error('the answer is too long');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function read(told: unknown): Told | undefined {
  const { owner, lastEventMs, lastFailure } = (told ?? {}) as Readonly<Record<string, unknown>>;
  if (typeof owner !== 'string') return undefined;
  const { atMs, why } = (lastFailure ?? {}) as Readonly<Record<string, unknown>>;
  const failure = typeof atMs === 'number' && typeof why === 'string' ? { atMs, why } : undefined;
  return { owner, live: { lastEventMs: typeof lastEventMs === 'number' ? lastEventMs : undefined, lastFailure: failure } };
}

function later(a: LivePage | undefined, b: LivePage): LivePage {
  if (a === undefined) return b;
  const [first, second] = [a.lastFailure, b.lastFailure];
  return {
    lastEventMs: Math.max(a.lastEventMs ?? 0, b.lastEventMs ?? 0) || undefined,
    lastFailure: (second?.atMs ?? 0) > (first?.atMs ?? 0) ? second : first,
  };
}

/** The reason behind "fetch failed" is what helps. */
function wordsOf(error: unknown): string {
  const { message, cause } = (error ?? {}) as { readonly message?: unknown; readonly cause?: unknown };
  const code = typeof cause === 'object' && cause !== null && 'code' in cause ? cause.code : undefined;
  return [code, message].find((words) => typeof words === 'string') ?? 'it failed';
}
