import type { AppCredentials, GraphCallOptions, PageCredentials } from '../../../src/core/ports/graph.js';
import { Redactor } from '../../../src/core/secrets/redact.js';
import { Secret } from '../../../src/core/secrets/secret.js';
import { systemClock, type Clock } from '../../../src/kit/clock.js';
import { GraphClient } from '../../../src/graph/graph-client.js';
import type { GraphObserver } from '../../../src/graph/observer.js';
import type { WriteFence } from '../../../src/runtime/ports.js';
import { startSimulator, type RunningSimulator } from '../../../src/simulator/simulator.js';

export const APP_ID = '1517776481860111';
export const APP_SECRET = 'canary-app-secret-0123456789abcdef01234567';
export const PAGE_ID = '12345678901234567890';
export const FIVE_FIELDS = ['messages', 'messaging_postbacks', 'messaging_optins', 'messaging_referrals', 'messaging_policy_enforcement'];

export interface GraphWorld {
  readonly sim: RunningSimulator;
  readonly graph: GraphClient;
  readonly app: AppCredentials;
  readonly options: GraphCallOptions;
  /** Credentials of a page; makes page and token where they are new. */
  readonly page: (pageId?: string, token?: string) => PageCredentials;
  readonly close: () => Promise<void>;
}

/** The real client against the real simulator, with one app and one page in it. */
export async function graphWorld(
  with_: {
    readonly clock?: Clock;
    readonly observer?: GraphObserver;
    readonly timeoutMs?: number;
    readonly maxConcurrent?: number;
    readonly fence?: WriteFence;
  } = {},
): Promise<GraphWorld> {
  const sim = await startSimulator();
  const { control } = sim;
  control.makeApp({ id: APP_ID, secret: APP_SECRET, name: 'Main' });
  control.makePage({ id: PAGE_ID, name: 'Clinic A' });
  const app = { appId: APP_ID, appSecret: new Secret('app-secret', APP_SECRET), graphVersion: 'v25.0' };
  const graph = new GraphClient({ baseUrl: new URL(sim.url), clock: systemClock, redactor: new Redactor(), ...with_ });
  const page = (pageId = PAGE_ID, token?: string): PageCredentials => {
    if (!control.state().pages.some(({ id }) => id === pageId)) control.makePage({ id: pageId });
    const value = token ?? control.makeToken({ appId: APP_ID, pageId, alias: `page-${pageId}` });
    return { app, pageId, token: new Secret('page-token', value) };
  };
  const close = async (): Promise<void> => {
    graph.close();
    await sim.stop();
  };
  return { sim, graph, app, options: { signal: new AbortController().signal }, page, close };
}

/** What a promise was rejected with. */
export async function rejection(promise: Promise<unknown>): Promise<Error> {
  return promise.then(
    () => {
      throw new Error('expected a rejection');
    },
    (error: unknown) => error as Error,
  );
}
