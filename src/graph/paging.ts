import { TransientError } from '../core/domain/errors.js';
import { malformedAnswer, optional, recordAt, textAt } from './answers.js';

const MAX_PAGES = 40;

/**
 * Reads the pages of an edge one after the other: `read` gets the parameters that lead to the next
 * one and gives back the body, or undefined when it has seen enough. The end is where Graph names
 * no `next`; that URL holds the token and is never used, only the cursor in it.
 * @throws TransientError after 40 pages, and where there is a `next` that does not lead to another
 * page: rows are missing then.
 */
export async function collectPages(read: (after: Readonly<Record<string, string>>) => Promise<unknown>): Promise<void> {
  let after: Readonly<Record<string, string>> = {};
  for (let page = 0; page < MAX_PAGES; page++) {
    const body = await read(after);
    const cursor = body === undefined ? undefined : nextCursor(body);
    if (cursor === undefined) return;
    if (cursor === after['after']) throw malformedAnswer('paging.cursors.after', 'another cursor than the one before');
    after = { after: cursor };
  }
  throw new TransientError('GraphUnavailable', `Graph gave more than ${MAX_PAGES} pages of one edge`);
}

function nextCursor(body: unknown): string | undefined {
  const paging = optional(recordAt(body, 'body')['paging'], 'paging', recordAt);
  const next = optional(paging?.['next'], 'paging.next', textAt);
  if (next === undefined) return undefined;
  const cursors = optional(paging?.['cursors'], 'paging.cursors', recordAt);
  const named = optional(cursors?.['after'], 'paging.cursors.after', textAt);
  return named ?? textAt(URL.canParse(next) ? new URL(next).searchParams.get('after') : undefined, 'the cursor in paging.next');
}
