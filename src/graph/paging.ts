import { TransientError } from '../core/domain/errors.js';
import { asRecord, asText } from './json.js';

const MAX_PAGES = 40;

/**
 * Reads the pages of an edge one after the other: `read` gets the parameters that lead to the next one and gives back the
 * body, or undefined when it has seen enough. The end is where Graph names no `next`; that URL holds the token and is never
 * used, the cursor in it is.
 * @throws TransientError after 40 pages.
 */
export async function collectPages(read: (after: Readonly<Record<string, string>>) => Promise<unknown>): Promise<void> {
  let after: Readonly<Record<string, string>> = {};
  for (let page = 0; page < MAX_PAGES; page++) {
    const body = await read(after);
    const cursor = body === undefined ? undefined : nextCursor(body);
    if (cursor === undefined || cursor === after['after']) return;
    after = { after: cursor };
  }
  throw new TransientError('GraphUnavailable', `Graph gave more than ${MAX_PAGES} pages of one edge`);
}

function nextCursor(body: unknown): string | undefined {
  const paging = asRecord(asRecord(body)?.['paging']);
  const next = asText(paging?.['next']);
  if (next === undefined) return undefined;
  const named = asText(asRecord(paging?.['cursors'])?.['after']);
  return named ?? (URL.canParse(next) ? (new URL(next).searchParams.get('after') ?? undefined) : undefined);
}
