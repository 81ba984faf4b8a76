import type { SimulatorVerb } from '../config/simulator-usage.js';

/** One call of the simulator's control API. */
export interface SimulatorCall {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Below `/_sim/`. */
  readonly path: string;
  readonly body?: unknown;
}

type MakeCall = (args: readonly string[]) => SimulatorCall;

const SHOWN = ['state', 'calls', 'messages', 'deliveries', 'faults', 'config'];

/** Each verb as a call of the control API. @throws Error that says what is missing. */
export const SIMULATOR_CALLS: Readonly<Record<SimulatorVerb, MakeCall>> = {
  show: ([what = 'state']) => {
    if (!SHOWN.includes(what)) throw new Error(`show takes one of ${SHOWN.join(', ')}`);
    return { method: 'GET', path: what };
  },
  app: (args) => ({
    method: 'POST',
    path: 'apps',
    body: { id: need(args, 0, 'ID'), secret: need(args, 1, 'SECRET'), ...optional('name', args[2]) },
  }),
  page: (args) => ({ method: 'POST', path: 'pages', body: { id: need(args, 0, 'ID'), ...optional('name', args[1]) } }),
  token: (args) => ({
    method: 'POST',
    path: 'tokens',
    body: { type: 'PAGE', appId: need(args, 0, 'APP'), pageId: need(args, 1, 'PAGE'), ...optional('alias', args[2]) },
  }),
  revoke: (args) => ({ method: 'POST', path: `tokens/${segment(args, 0, 'ALIAS')}`, body: { state: args[1] ?? 'invalidated' } }),
  fields: (args) => ({ method: 'PUT', path: subscription(args), body: { fields: need(args, 2, 'FIELDS').split(',') } }),
  unsubscribe: (args) => ({ method: 'DELETE', path: subscription(args) }),
  callback: (args) => ({
    method: 'PUT',
    path: `apps/${segment(args, 0, 'APP')}/subscriptions/page`,
    body: { callbackUrl: need(args, 1, 'URL'), fields: need(args, 2, 'FIELDS').split(',') },
  }),
  send: (args) => ({
    method: 'POST',
    path: 'send',
    body: {
      appId: need(args, 0, 'APP'),
      events: [{ pageId: need(args, 1, 'PAGE'), user: need(args, 2, 'USER'), text: need(args, 3, 'TEXT') }],
    },
  }),
  call: ([method = 'GET', path = '', json]) => {
    const verb = (['GET', 'POST', 'PUT', 'DELETE'] as const).find((name) => name === method.toUpperCase());
    if (verb === undefined) throw new Error('METHOD is GET, POST, PUT or DELETE');
    return { method: verb, path: path.replace(/^\/?(_sim\/?)?/, ''), ...optional('body', json === undefined ? undefined : parsed(json)) };
  },
};

function need(args: readonly string[], index: number, name: string): string {
  const arg = args[index];
  if (arg === undefined || arg === '') throw new Error(`${name} is missing`);
  return arg;
}

function segment(args: readonly string[], index: number, name: string): string {
  return encodeURIComponent(need(args, index, name));
}

function subscription(args: readonly string[]): string {
  return `pages/${segment(args, 1, 'PAGE')}/subscriptions/${segment(args, 0, 'APP')}`;
}

function optional(name: string, value: unknown): Readonly<Record<string, unknown>> {
  return value === undefined ? {} : { [name]: value };
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json) as unknown;
  } catch {
    throw new Error('the body is not valid JSON');
  }
}
