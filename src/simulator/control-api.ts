import { isRecord } from '../kit/narrow.js';
import type { SimulatorControl, AppSpec, PageSpec, TokenSpec } from './control.js';
import { controlIndex } from './control-index.js';
import type { SimpleEvent } from './events.js';
import type { FaultSpec } from './faults.js';
import { applySeed, seedOf } from './seed.js';
import type { SendRequest } from './send-request.js';
import { sha256 } from './world.js';

export interface ControlRequest {
  readonly method: string;
  /** Path segments behind `/_sim`. */
  readonly segments: readonly string[];
  readonly query: URLSearchParams;
  /** The body's JSON; undefined without a body. */
  readonly body: unknown;
  readonly origin: string;
}

export interface ControlReply {
  readonly status: number;
  /** JSON, or text for the index. */
  readonly body: unknown;
}

type Handler = (request: ControlRequest, control: SimulatorControl) => unknown;
type Fields = Readonly<Record<string, unknown>>;

/**
 * `METHOD path`, `:name` for a segment of any text. The index is written from the same list of
 * calls (control-index.ts).
 */
const ROUTES: Readonly<Record<string, Handler>> = {
  'GET ': ({ origin }) => controlIndex(origin),
  'GET health': () => ({ ok: true }),
  'GET state': (_request, control) => control.state(),
  'GET calls': ({ query }, control) => ({ calls: control.calls(sinceOf(query)) }),
  'GET messages': ({ query }, control) => ({ messages: control.messages(sinceOf(query)) }),
  'GET deliveries': ({ query }, control) => ({ deliveries: control.deliveries(sinceOf(query)) }),
  'POST apps': ({ body }, control) => {
    const { id, name, mode, requireProof } = control.makeApp(object(body) as AppSpec);
    return { id, name, mode, requireProof };
  },
  'POST pages': ({ body }, control) => control.makePage(object(body) as PageSpec),
  'DELETE pages/:page': ({ segments }, control) => {
    control.removePage(segments[1] ?? '');
  },
  'POST tokens': ({ body }, control) => {
    const spec = object(body) as TokenSpec;
    const token = control.makeToken(spec);
    const view = control.state().tokens.find(({ sha256: hash }) => hash === sha256(token));
    return { ...view, token };
  },
  'POST tokens/:token': ({ body, segments }, control) => control.changeToken(segments[1] ?? '', object(body)),
  'PUT pages/:page/subscriptions/:app': ({ body, segments }, control) => {
    control.setFields(segments[3] ?? '', segments[1] ?? '', (object(body) as { fields: readonly string[] }).fields);
  },
  'DELETE pages/:page/subscriptions/:app': ({ segments }, control) => {
    control.setFields(segments[3] ?? '', segments[1] ?? '', undefined);
  },
  'PUT apps/:app/subscriptions/:object': ({ body, segments }, control) => {
    control.setAppSubscription(segments[1] ?? '', segments[3] ?? '', object(body) as { callbackUrl: string; fields: readonly string[] });
  },
  'DELETE apps/:app/subscriptions/:object': ({ segments }, control) => {
    control.setAppSubscription(segments[1] ?? '', segments[3] ?? '', undefined);
  },
  'POST send': ({ body }, control) => {
    const { untilDone, events, ...request } = object(body) as SendRequest & { untilDone?: boolean; events?: readonly SimpleEvent[] };
    if (events !== undefined) return control.sendEvents(request.appId, events, request);
    return control.send(request, { untilDone: untilDone === true });
  },
  'GET faults': (_request, control) => ({ faults: control.state().faults }),
  'POST faults': ({ body }, control) => control.addFault(object(body) as FaultSpec),
  'DELETE faults': (_request, control) => {
    control.removeFault();
  },
  'DELETE faults/:id': ({ segments }, control) => {
    control.removeFault(segments[1]);
  },
  'GET config': (_request, control) => control.config(),
  'POST config': ({ body }, control) => control.config(object(body)),
  'POST seed': ({ body }, control) => {
    applySeed(seedOf(object(body) as Fields), control);
  },
  'POST reset': (_request, control) => {
    control.reset();
  },
};

/** @public for the test that every call is documented and has an example */
export const CONTROL_ROUTES: readonly string[] = Object.keys(ROUTES);

/** One call of the control API. An invalid one is answered with a message and status 400 or 404. */
export async function handleControl(request: ControlRequest, control: SimulatorControl): Promise<ControlReply> {
  const handler = Object.entries(ROUTES).find(([route]) => matches(route, request))?.[1];
  if (handler === undefined) return { status: 404, body: { error: `no such call; GET ${request.origin}/_sim lists all` } };
  try {
    return { status: 200, body: (await handler(request, control)) ?? { ok: true } };
  } catch (error) {
    // A TypeError is what comes of a body of the wrong shape: these calls take JSON as it comes.
    if (error instanceof RangeError || error instanceof TypeError) return { status: 400, body: { error: error.message } };
    throw error;
  }
}

function matches(route: string, { method, segments }: ControlRequest): boolean {
  const [wantedMethod, path = ''] = route.split(' ');
  const wanted = path.split('/').filter((segment) => segment !== '');
  if (wantedMethod !== method || wanted.length !== segments.length) return false;
  return wanted.every((segment, index) => segment.startsWith(':') || segment === segments[index]);
}

function sinceOf(query: URLSearchParams): number {
  const since = Number(query.get('since') ?? 0);
  return Number.isFinite(since) ? since : 0;
}

/** The body; the caller knows its shape. @throws RangeError if it is not an object. */
function object(body: unknown): object {
  if (!isRecord(body)) throw new RangeError('this call takes a JSON object');
  return body;
}
