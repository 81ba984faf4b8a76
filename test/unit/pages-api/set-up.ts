import type { Logger } from '../../../src/kit/log.js';
import { createPagesApiServer, type PagesApiOptions, type PagesApiServer } from '../../../src/pages-api/server.js';
import { FakeClock } from '../../support/fake-clock.js';
import { aJwt, anEntry, FakeDirectory, FakeReviews } from './fakes.js';

/** Stands for a page's token: searched for where none may be. */
export const CANARY = 'EAAPAGETOKENcanary0123456789012345678901';
const servers: PagesApiServer[] = [];

/** Closes what `setUp` started. */
export async function closeServers(): Promise<void> {
  await Promise.all(servers.splice(0).map((server) => server.close()));
}

interface GraphError {
  readonly error: { readonly code: number; readonly type: string; readonly message: string; readonly error_subcode?: number };
}

const BOT = 'system:serviceaccount:bots:bot';

/** A Pages API on a port of its own with one page, and a bot with a token but no rights. */
export async function setUp(options: Partial<PagesApiOptions> = {}) {
  const directory = new FakeDirectory();
  const reviews = new FakeReviews();
  const clock = new FakeClock();
  const requests: string[] = [];
  const results: string[] = [];
  const lines: unknown[] = [];
  const put = (message: string, fields?: object): void => void lines.push({ message, ...fields });
  const log: Logger = { error: put, warn: put, info: put, debug: put, child: () => log };
  const server = createPagesApiServer({
    directory,
    authenticator: reviews,
    authorizer: reviews,
    clock,
    log,
    audience: 'messenger-operator',
    authStaleMs: 600_000,
    observe: {
      request: (route, status) => void requests.push(`${route} ${status}`),
      review: (kind, result) => void results.push(`${kind} ${result}`),
    },
    ...options,
  });
  servers.push(server);
  await server.listen(0, '127.0.0.1');
  const url = `http://127.0.0.1:${server.address().port}`;

  const token = aJwt(BOT);
  reviews.callers.set(token, { username: BOT, uid: 'u1', groups: ['system:serviceaccounts'] });
  directory.entries = [anEntry()];
  directory.tokens.set('bots/clinic-a', CANARY);
  const get = (path: string, headers: Record<string, string> = {}) =>
    fetch(url + path, { headers: { authorization: `Bearer ${token}`, ...headers } });
  const grant = (what: string): void => void reviews.grants.add(`${BOT} ${what}`);
  return { directory, reviews, clock, server, url, get, grant, requests, results, lines };
}

/** The error of an answer in Graph's shape. */
export async function refusal(response: Response): Promise<GraphError['error']> {
  const { error } = (await response.json()) as GraphError;
  return error;
}
