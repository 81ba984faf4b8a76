import type { CatalogueRow } from './row.js';
import { ERROR_CATALOGUE } from './catalogue.js';

const HEAD = `<!-- Generated from src/graph/errors/catalogue.ts. Do not edit. -->

# What the operator makes of Graph's errors

The first matching row counts. An empty cell matches everything. "begins" is how Graph's message begins behind its \`(#code)\`; it only
ever chooses between reasons, never between dispositions. Whatever is not in the table is transient. So is a good answer that does not have
the documented shape (a list that is missing, a truth value that is null, a link to a next page without a cursor): nothing is decided by it.

| disposition | what the operator does |
|---|---|
| transient | tries again, each time after a longer pause; no condition of a page changes |
| wait | waits as long as Graph says (\`estimated_time_to_regain_access\`), else 5 minutes, doubling up to an hour; no condition of a page changes |
| terminal | marks the object Stalled with the reason; looks again after 10, 20, 40 minutes up to every 6 hours, and at once when something that it depends on changes |
| app-credential | the app's own secret or token was refused. In a call about a Page: \`GET /{app-id}/subscriptions\`, which holds no Page's token, shows whether that is so; if Graph accepts the app there, a read is repeated once, and the second refusal is terminal for that Page alone (\`TokenMalformed\`, \`TokenWrongApp\`), a write is transient. If Graph refuses the app there too: says so at the MessengerApp, holds the app's calls back behind one probe a minute, changes no condition of a page |

| call | HTTP | type | code | subcode | begins | disposition | reason | what is the matter | what to do |
|---|---|---|---|---|---|---|---|---|---|
`;

/**
 * The error catalogue as a Markdown page: `docs/reference/graph-errors.md` is exactly this text.
 */
export function catalogueMarkdown(rows: readonly CatalogueRow[] = ERROR_CATALOGUE): string {
  return `${HEAD}${rows.map(line).join('\n')}\n`;
}

function line(row: CatalogueRow): string {
  const { disposition, scope, reason, says, fix, prefix } = row;
  const outcome = [scope === undefined ? disposition : `${disposition} (${scope})`, reason, says, fix];
  const key = [list(row.on), row.http ?? '', row.type ?? '', codes(row), list(row.subcodes), prefix === undefined ? '' : `\`${prefix}\``];
  return `| ${[...key, ...outcome].join(' | ')} |`;
}

function list(items: readonly (string | number)[] | undefined): string {
  return items?.join(', ') ?? '';
}

function codes(row: CatalogueRow): string {
  return list(row.codes?.map((code) => (typeof code === 'number' ? code : code.join('–'))));
}
