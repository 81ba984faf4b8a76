import { startSimulator, type RunningSimulator, type SimulatorOptions } from '../../../src/simulator/simulator.js';

export const APP = '111';
export const SECRET = 's3cret-of-111';
export const APP_TOKEN = `${APP}|${SECRET}`;
export const PAGE = '222';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly json: unknown;
}

type Query = Readonly<Record<string, string>>;

export interface SimClient {
  readonly sim: RunningSimulator;
  readonly pageToken: string;
  readonly get: (path: string, query?: Query) => Promise<Answer>;
  readonly post: (path: string, body: Query | string, contentType?: string) => Promise<Answer>;
  readonly del: (path: string, query?: Query) => Promise<Answer>;
}

/** A simulator with one app, one page and its token, and bare HTTP calls to it. */
export async function simClient(options: SimulatorOptions = {}): Promise<SimClient> {
  const sim = await startSimulator(options);
  sim.control.makeApp({ id: APP, secret: SECRET, name: 'Main' });
  sim.control.makePage({ id: PAGE, name: 'Clinic A' });
  const pageToken = sim.control.makeToken({ appId: APP, pageId: PAGE, alias: 'clinic-a' });
  const call = async (path: string, query: Query, init: RequestInit): Promise<Answer> => {
    const response = await fetch(
      `${sim.url}${path}${Object.keys(query).length > 0 ? `?${new URLSearchParams(query).toString()}` : ''}`,
      init,
    );
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, json: parse(text) };
  };
  return {
    sim,
    pageToken,
    get: (path, query = {}) => call(path, query, {}),
    post: (path, body, contentType = 'application/x-www-form-urlencoded') => {
      const bytes = typeof body === 'string' ? body : new URLSearchParams(body).toString();
      return call(path, {}, { method: 'POST', body: bytes, headers: { 'content-type': contentType } });
    },
    del: (path, query = {}) => call(path, query, { method: 'DELETE' }),
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** The `error` of an answer. */
export function errorOf(answer: Answer): Record<string, unknown> {
  return (answer.json as { error: Record<string, unknown> }).error;
}
