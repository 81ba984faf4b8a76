import { TransientError } from '../core/errors.js';
import type { GraphCallOptions, PageCredentials, PageInfo } from '../core/graph.js';
import type { GraphCaller } from './caller.js';
import { asRecord, asText } from './json.js';

/** `GET /{page-id}?fields=id,name`: what the Page is called. */
export function readPage(caller: GraphCaller, page: PageCredentials, options: GraphCallOptions): Promise<PageInfo> {
  const auth = { app: page.app, token: page.token };
  const call = {
    operation: 'page_info',
    method: 'GET',
    path: [page.pageId],
    params: { fields: 'id,name' },
    auth,
    pageId: page.pageId,
    options,
  } as const;
  return caller.call(call, (body) => {
    const record = asRecord(body);
    const id = asText(record?.['id']);
    if (id === undefined) throw new TransientError('GraphUnavailable', "Graph's answer for a Page has no id");
    return { id, name: asText(record?.['name']) };
  });
}
