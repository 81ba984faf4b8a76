import { createHash } from 'node:crypto';
import { matchesLabels } from '../core/domain/label-selector.js';
import type { NamespacedName } from '../core/domain/object-key.js';
import type { PageDirectory, PageEntry } from '../core/ports/page-directory.js';
import { refusals, type Answer } from './answer.js';
import type { Gate } from './gate.js';
import { encodeContinue, isGraphId, parseAppId, parseListQuery, type RawQuery } from './page-query.js';
import type { Access, Authorizer, Caller } from './ports.js';

const GROUP = 'messenger-operator.dev';
const RESOURCE = 'messengerpages';
const MAX_LIST_BYTES = 4_194_304;
/**
 * Where a page that does not exist is asked about. No namespace of a tenant's, so that the answer
 * is that of a page of others.
 */
const NO_NAMESPACE = 'no-such-messengerpage';
const SERVICE_ACCOUNT = /^system:serviceaccount:([^:]+):[^:]+$/;

export interface HandlersDeps {
  readonly directory: PageDirectory;
  readonly gate: Gate;
  readonly sees: Authorizer['sees'] | undefined;
}

/** What a request holds, apart from HTTP. */
export interface PageRequest {
  readonly caller: Caller;
  readonly query: RawQuery;
  readonly ifNoneMatch: string | undefined;
}

/**
 * The three questions of the Pages API. Every one is answered from the cache; what a caller may is
 * asked of the gate.
 */
export class Handlers {
  readonly #deps: HandlersDeps;

  constructor(deps: HandlersDeps) {
    this.#deps = deps;
  }

  /** Pages without tokens, in the order of namespace and name, in parts. */
  async list({ caller, query }: PageRequest): Promise<Answer> {
    const parsed = parseListQuery(query);
    if (!parsed.ok) return refusals.invalid(parsed.problem);
    const { requirements, limit, after } = parsed.value;
    const scope = await this.#listScope(caller, parsed.value.namespace);
    if (scope === undefined) return refusals.notFound();
    const wanted = this.#deps.directory
      .list(scope.namespace)
      .filter((entry) => isAfter(entry.owner, after) && matchesLabels(requirements, entry.labels) && this.#isSeen(caller, entry));
    return { status: 200, headers: { 'cache-control': 'no-store' }, body: listBody(wanted, limit) };
  }

  /** One page, with an ETag. */
  async page(pageId: string, request: PageRequest): Promise<Answer> {
    const found = await this.#find(pageId, request, [undefined]);
    if ('status' in found) return found;
    const body = pageBody(found.entry);
    const etag = `"${createHash('sha256').update(JSON.stringify(body)).digest('base64url').slice(0, 27)}"`;
    const headers = { etag, 'cache-control': 'private, no-cache', vary: 'authorization' };
    return matchesEtag(request.ifNoneMatch, etag) ? { status: 304, headers } : { status: 200, headers, body };
  }

  /**
   * The page's token, never from a cache on the way, and only a value that was proven to be this
   * page's.
   */
  async token(pageId: string, request: PageRequest): Promise<Answer> {
    const found = await this.#find(pageId, request, ['token', undefined]);
    if ('status' in found) return found;
    if (found.subresource !== 'token') return refusals.tokenForbidden();
    const { entry } = found;
    const token = this.#deps.directory.provenToken(entry);
    if (token === undefined) return refusals.notNow('The token of this page has not been proven yet');
    const body = { id: entry.pageId, app: { id: entry.appId }, access_token: token.reveal() };
    return { status: 200, headers: { 'cache-control': 'no-store', pragma: 'no-cache' }, body };
  }

  /**
   * Where the caller may list: where it asks to; if it does not say, everywhere, else in its own
   * namespace.
   */
  async #listScope(caller: Caller, asked: string | undefined): Promise<{ readonly namespace: string | undefined } | undefined> {
    const own = SERVICE_ACCOUNT.exec(caller.username)?.[1];
    for (const namespace of asked === undefined && own !== undefined ? [undefined, own] : [asked]) {
      const access: Access = { verb: 'list', group: GROUP, resource: RESOURCE, ...(namespace === undefined ? {} : { namespace }) };
      if (await this.#deps.gate.allows(caller, access)) return { namespace };
    }
    return undefined;
  }

  /**
   * The one page with this id that the caller may read through the first of the subresources
   * (undefined: the page itself) that gives any; else the refusal.
   */
  async #find(
    pageId: string,
    { caller, query }: PageRequest,
    subresources: readonly (string | undefined)[],
  ): Promise<Answer | { readonly entry: PageEntry; readonly subresource: string | undefined }> {
    const appId = parseAppId(query);
    if (!appId.ok) return refusals.invalid(appId.problem);
    if (!isGraphId(pageId)) return refusals.notFound();
    const entries = this.#deps.directory.find(pageId).filter((entry) => appId.value === undefined || entry.appId === appId.value);
    for (const subresource of subresources) {
      // A page that does not exist costs the same questions, or the time and the status would tell
      // which Pages there are.
      if (entries.length === 0) await this.#mayGet(caller, { namespace: NO_NAMESPACE, name: pageId }, subresource);
      const allowed = await this.#allowed(caller, entries, subresource);
      const [entry] = allowed;
      if (allowed.length > 1) return refusals.ambiguous(allowed.map((one) => one.appId).sort());
      if (entry !== undefined) return { entry, subresource };
    }
    return refusals.notFound();
  }

  async #allowed(caller: Caller, entries: readonly PageEntry[], subresource: string | undefined): Promise<readonly PageEntry[]> {
    const answers = await Promise.all(entries.map(({ owner }) => this.#mayGet(caller, owner, subresource)));
    return entries.filter((_entry, at) => answers[at] === true);
  }

  #mayGet(caller: Caller, { namespace, name }: NamespacedName, subresource: string | undefined): Promise<boolean> {
    const what = { group: GROUP, resource: RESOURCE, ...(subresource === undefined ? {} : { subresource }) };
    return this.#deps.gate.allows(caller, { verb: 'get', ...what, namespace, name });
  }

  #isSeen(caller: Caller, entry: PageEntry): boolean {
    const { sees } = this.#deps;
    return sees === undefined || sees(caller, entry);
  }
}

function pageBody(entry: PageEntry): Readonly<Record<string, unknown>> {
  return {
    id: entry.pageId,
    name: entry.pageName ?? null,
    namespace: entry.owner.namespace,
    resourceName: entry.owner.name,
    app: { id: entry.appId },
    botConfig: entry.botConfig,
    ...(entry.botConfigProblem === undefined ? {} : { botConfigProblem: entry.botConfigProblem }),
    fields: entry.fields,
    ready: entry.ready,
  };
}

/**
 * At most `limit` pages, fewer where their configs are large: an answer has a bound in bytes, too.
 */
function listBody(entries: readonly PageEntry[], limit: number): Readonly<Record<string, unknown>> {
  const items: unknown[] = [];
  let bytes = 0;
  for (const [at, entry] of entries.entries()) {
    const item = pageBody(entry);
    bytes += Buffer.byteLength(JSON.stringify(item));
    const before = entries[at - 1];
    if (before !== undefined && (items.length === limit || bytes > MAX_LIST_BYTES))
      return { items, continue: encodeContinue(before.owner) };
    items.push(item);
  }
  return { items };
}

function isAfter(key: NamespacedName, after: NamespacedName | undefined): boolean {
  if (after === undefined || key.namespace > after.namespace) return true;
  return key.namespace === after.namespace && key.name > after.name;
}

function matchesEtag(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  return header.split(',').some((one) => {
    const given = one.trim();
    return given === '*' || given.replace(/^W\//, '') === etag;
  });
}
