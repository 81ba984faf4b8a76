import { errorReply, type GraphApi } from './graph-api.js';
import type { GraphReply, GraphRequest } from './graph-request.js';
import { noToken } from './edge.js';
import { faultError } from './faults.js';
import { oauth, SimGraphError } from './graph-errors.js';
import { graphJson } from './meta-json.js';
import { Params } from './params.js';
import { checkProof, judgeProof, principalOf } from './principal.js';
import { nameOf } from './record.js';

const MAX_ITEMS = 50;

type Item = Readonly<Record<string, unknown>>;
type Result = { readonly code: number; readonly headers?: readonly unknown[]; readonly body: string } | null;

/** Whether this is a batch: a POST to the root or to `/me` with a parameter `batch`. */
export function isBatch({ method, path, params }: GraphRequest): boolean {
  return method === 'POST' && params.has('batch') && /^(\/v\d+\.\d+)?\/?(me\/?)?$/.test(path);
}

/**
 * A batch: up to 50 calls, answered in their order with status 200 outside, each body as text. An
 * item uses its own token, else the batch's. `depends_on` is honoured (null after a failure);
 * `{result=…}` expressions are not.
 */
export async function runBatch(api: GraphApi, request: GraphRequest): Promise<GraphReply> {
  const { world } = api;
  const tokenValue = request.params.text('access_token') ?? request.bearer;
  const seq = world.calls.reserve();
  const appId = appOf(api, tokenValue);
  const effects = api.faults.take({ operation: 'batch', method: 'POST', appId, pageId: undefined });
  const reply = await answer();
  world.calls.put({
    ...{ seq, at: world.clock.nowMs(), method: 'POST', shape: '/ (batch)', version: world.config.defaultVersion, appId, pageId: undefined },
    ...{
      token: nameOf(tokenValue, world),
      tokenSha256: undefined,
      proof: 'none',
      params: {},
      status: reply.status,
      code: undefined,
      batch: undefined,
    },
  });
  return reply;

  async function answer(): Promise<GraphReply> {
    const end = effects.find(({ kind }) => kind === 'hang' || kind === 'drop');
    if (end !== undefined) return { status: 0, headers: {}, body: '', cut: end.kind === 'hang' ? 'hang' : 'drop' };
    const http = effects.find((effect) => effect.kind === 'http');
    if (http !== undefined) return { status: http.status, headers: {}, body: http.body ?? '<html>Sorry.</html>' };
    try {
      for (const effect of effects) {
        const error = faultError(effect, tokenValue);
        if (error !== undefined) throw error;
      }
      return await runItems(api, { ...request, batch: seq }, tokenValue);
    } catch (error) {
      if (error instanceof SimGraphError) return errorReply(error, world.config.defaultVersion, {});
      throw error;
    }
  }
}

function appOf({ world }: GraphApi, tokenValue: string | undefined): string | undefined {
  if (tokenValue === undefined) return undefined;
  return world.tokenByValue(tokenValue)?.appId ?? /^(\d{1,20})\|/.exec(tokenValue)?.[1];
}

async function runItems(api: GraphApi, request: GraphRequest, tokenValue: string | undefined): Promise<GraphReply> {
  if (tokenValue === undefined) throw noToken();
  const outerToken = tokenValue;
  const { app } = principalOf(tokenValue, api.world);
  checkProof(judgeProof(request.params.text('appsecret_proof'), tokenValue, { app, world: api.world }), app, api.world);
  const items = request.params.json('batch');
  if (!Array.isArray(items)) throw oauth(400, 100, '(#100) param batch must be an array.');
  if (items.length > MAX_ITEMS) {
    const message = `Too many requests in batch message. Maximum batch size is ${MAX_ITEMS}`;
    throw new SimGraphError({ status: 200, type: 'GraphBatchException', message });
  }
  const withHeaders = request.params.text('include_headers') !== 'false';
  const results: Result[] = [];
  const failed = new Set<string>();
  for (const raw of items as unknown[]) results.push(await runItem(asItem(raw), failed));
  return { status: 200, headers: { 'facebook-api-version': api.world.config.defaultVersion }, body: graphJson(results) };

  async function runItem(item: Item, failures: Set<string>): Promise<Result> {
    const result = dependsOnFailed(item, failures) ? null : toResult(await api.handle(itemRequest(item, request, outerToken)), withHeaders);
    const good = result?.code === 200;
    if (typeof item['name'] === 'string' && !good) failures.add(item['name']);
    return item['omit_response_on_success'] === true && good ? null : result;
  }
}

function asItem(raw: unknown): Item {
  return typeof raw === 'object' && raw !== null ? (raw as Item) : {};
}

function dependsOnFailed(item: Item, failed: ReadonlySet<string>): boolean {
  return typeof item['depends_on'] === 'string' && failed.has(item['depends_on']);
}

function itemRequest(item: Item, outer: GraphRequest, tokenValue: string): GraphRequest {
  const [, path = '', query = ''] = /^\/?([^?]*)\??(.*)$/s.exec(textOf(item['relative_url'])) ?? [];
  const body = item['body'];
  const own = Params.fromForm(query).with(typeof body === 'string' ? Params.fromForm(body) : Params.fromObject(body));
  const params = own.has('access_token') ? own : withOuterProof(own, outer.params);
  return { ...outer, method: textOf(item['method']).toUpperCase() || 'GET', path: versioned(path, outer.path), params, bearer: tokenValue };
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** An item without a token of its own is made as the batch itself, with the batch's proof. */
function withOuterProof(own: Params, outer: Params): Params {
  const proof = outer.text('appsecret_proof');
  return proof === undefined ? own : new Params([['appsecret_proof', proof]]).with(own);
}

function versioned(path: string, outerPath: string): string {
  const version = /^\/(v\d+\.\d+)/.exec(outerPath)?.[1];
  return version === undefined || /^v\d+\.\d+/.test(path) ? `/${path}` : `/${version}/${path}`;
}

/** No answer for an item is null, as when Graph runs out of time. */
function toResult(reply: GraphReply, withHeaders: boolean): Result {
  if (reply.cut !== undefined) return null;
  const headers = Object.entries({ 'Content-Type': 'text/javascript; charset=UTF-8', ...reply.headers }).map(([name, value]) => ({
    name,
    value,
  }));
  return { code: reply.status, ...(withHeaders ? { headers } : {}), body: reply.body };
}
