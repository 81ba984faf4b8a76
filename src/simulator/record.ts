import type { GraphReply, GraphRequest } from './graph-request.js';
import { SimGraphError } from './graph-errors.js';
import type { CallRecord } from './model.js';
import { judgeProof, type Principal } from './principal.js';
import type { Route } from './routes.js';
import { sha256, type World } from './world.js';

const SECRET_PARAMS = new Set([
  'access_token',
  'appsecret_proof',
  'input_token',
  'verify_token',
  'client_secret',
  'fb_exchange_token',
  'batch',
]);

interface Known {
  readonly version: string;
  readonly route: Route;
  readonly tokenValue: string | undefined;
  readonly principal: Principal | SimGraphError | undefined;
  readonly pageId: string | undefined;
}

/** Writes down a call without any secret value: tokens by their name and hash. */
export function recordCall(world: World, request: GraphRequest, known: Known | undefined, reply: GraphReply): void {
  const tokenValue = known?.tokenValue ?? request.params.text('access_token') ?? request.bearer;
  const principal = known?.principal instanceof SimGraphError ? undefined : known?.principal;
  world.calls.add((seq) => ({
    seq,
    at: world.clock.nowMs(),
    method: request.method,
    shape: shapeOf(known, world),
    version: known?.version ?? '',
    appId: principal?.app.id,
    pageId: known?.pageId,
    token: nameOf(tokenValue, world),
    tokenSha256: tokenValue === undefined ? undefined : sha256(tokenValue).slice(0, 16),
    proof: proofOf(request, tokenValue, { principal, world }),
    params: shown(request, world),
    status: reply.status,
    code: codeIn(reply.body),
    batch: request.batch,
  }));
}

function shapeOf(known: Known | undefined, world: World): string {
  if (known === undefined) return 'unknown';
  const { target, edge } = known.route;
  const object = /^\d+$/.test(target) ? `{${kindOf(target, world)}-id}` : target;
  return edge === undefined ? `/${object}` : `/${object}/${edge}`;
}

function kindOf(id: string, world: World): string {
  if (world.pages.has(id)) return 'page';
  return world.apps.has(id) ? 'app' : 'object';
}

/** The name by which records speak of a token value. */
export function nameOf(value: string | undefined, world: World): string | undefined {
  if (value === undefined) return undefined;
  const appId = /^(\d{1,20})\|/.exec(value)?.[1];
  return world.tokenByValue(value)?.alias ?? (appId === undefined ? 'unknown' : `app:${appId}`);
}

function proofOf(
  { params }: GraphRequest,
  tokenValue: string | undefined,
  { principal, world }: { readonly principal: Principal | undefined; readonly world: World },
): CallRecord['proof'] {
  const given = params.text('appsecret_proof');
  if (principal === undefined || tokenValue === undefined) return given === undefined ? 'none' : 'wrong';
  return judgeProof(given, tokenValue, { app: principal.app, world });
}

function shown({ params }: GraphRequest, world: World): Readonly<Record<string, unknown>> {
  const values = params.names().map((name) => {
    if (name === 'input_token') return [name, nameOf(params.text(name), world)] as const;
    return [name, SECRET_PARAMS.has(name) ? '[secret]' : params.json(name)] as const;
  });
  return Object.fromEntries(values.filter(([name]) => name !== 'access_token' && name !== 'appsecret_proof'));
}

function codeIn(body: string): number | undefined {
  const code = /"code":(\d+)/.exec(body.startsWith('{"error"') ? body : '')?.[1];
  return code === undefined ? undefined : Number(code);
}
