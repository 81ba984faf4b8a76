import { TransientError } from '../../core/domain/errors.js';
import type { GraphCallOptions, PageCredentials, PageInfo } from '../../core/ports/graph.js';
import type { Redactor } from '../../core/secrets/redact.js';
import { pageCall } from '../call.js';
import type { GraphCaller } from '../caller.js';
import { secretsOf } from '../credentials.js';
import { asRecord, asText } from '../json.js';

/**
 * `GET /{page-id}?fields=id,name`: what the Page is called, redacted since it stands in the status. Another tenant's
 * Secret that holds an ordinary word takes nothing out of it.
 */
export function readPage(
  deps: { readonly caller: GraphCaller; readonly redactor: Redactor },
  page: PageCredentials,
  options: GraphCallOptions,
): Promise<PageInfo> {
  return deps.caller.call(pageCall('page_info', page, { fields: 'id,name' }, options), (body) => {
    const record = asRecord(body);
    const id = asText(record?.['id']);
    if (id === undefined) throw new TransientError('GraphUnavailable', "Graph's answer for a Page has no id");
    const name = asText(record?.['name']);
    return { id, name: name === undefined ? undefined : deps.redactor.text(name, secretsOf(page), 'unguessable') };
  });
}
