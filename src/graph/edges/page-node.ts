import type { GraphCallOptions, PageCredentials, PageInfo } from '../../core/ports/graph.js';
import type { Redactor } from '../../core/secrets/redact.js';
import { malformedAnswer, optional, recordAt, textAt } from '../answers.js';
import { pageCall } from '../call.js';
import type { GraphCaller } from '../caller.js';
import { secretsOf } from '../credentials.js';
import { asText } from '../json.js';

/**
 * `GET /{page-id}?fields=id,name`: what the Page is called, redacted since it stands in the status.
 * Another tenant's Secret that holds an ordinary word takes nothing out of it.
 */
export function readPage(
  deps: { readonly caller: GraphCaller; readonly redactor: Redactor },
  page: PageCredentials,
  options: GraphCallOptions,
): Promise<PageInfo> {
  return deps.caller.call(pageCall('page_info', page, { fields: 'id,name' }, options), (body) => {
    const record = recordAt(body, 'page');
    const id = textAt(record['id'], 'page.id');
    if (id !== page.pageId) throw malformedAnswer('page.id', 'the id that was asked for');
    const name = optional(record['name'], 'page.name', anyText);
    return { id, name: name === undefined ? undefined : deps.redactor.text(name, secretsOf(page), 'unguessable') };
  });
}

/** A name may be empty. */
function anyText(value: unknown, where: string): string {
  const text = asText(value);
  if (text === undefined) throw malformedAnswer(where, 'a text');
  return text;
}
