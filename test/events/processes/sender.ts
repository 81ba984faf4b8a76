// Meta's sender as a process of its own. Sends events of many conversations, several in a POST,
// over kept-alive connections; repeats a POST until it is answered 200, and sends nothing newer of
// a conversation before. Ends after `events` events and SIGTERM, whichever comes last. Arguments:
// one JSON object.
import { createHmac } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { Agent, request } from 'node:http';
import { newConversations, nextPost, type Conversation, type Post } from '../support/traffic.js';

interface Options {
  readonly url: string;
  readonly secret: string;
  readonly pages: readonly string[];
  readonly usersPerPage: number;
  readonly events: number;
  readonly connections: number;
  /** POSTs a second over all connections; 0: as fast as they are answered. */
  readonly perSecond: number;
  /** One line a POST that was answered 200: its events and what every attempt came to. */
  readonly log: string;
}

const options = JSON.parse(process.argv[2] ?? '{}') as Options;
const agent = new Agent({ keepAlive: true, maxSockets: options.connections });
const log = createWriteStream(options.log);
const free: Conversation[] = newConversations(options.pages, options.usersPerPage);
const RETRY_MS = [50, 200, 500, 1_000, 2_000];
const ANSWER_WITHIN_MS = 5_000;
let events = 0;
let mayEnd = false;
process.on('SIGTERM', () => (mayEnd = true));
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** The status, or what happened instead of an answer. */
function attempt(body: string): Promise<string> {
  const signature = createHmac('sha256', options.secret).update(body).digest('hex');
  const headers = {
    'content-type': 'application/json',
    'user-agent': 'facebookexternalua',
    'content-length': Buffer.byteLength(body),
    'x-hub-signature-256': `sha256=${signature}`,
  };
  return new Promise((resolve) => {
    const sent = request(options.url, { method: 'POST', agent, headers }, (response) => {
      response.resume();
      response.on('error', () => undefined);
      response.on('close', () => {
        resolve(response.complete ? String(response.statusCode) : 'cut');
      });
    });
    sent.setTimeout(ANSWER_WITHIN_MS, () => sent.destroy(new Error('timeout')));
    sent.on('error', (error: NodeJS.ErrnoException) => {
      resolve(error.code ?? error.message);
    });
    sent.end(body);
  });
}

async function deliver({ body, mids, conversations }: Post): Promise<void> {
  const attempts: string[] = [];
  const began = performance.now();
  for (;;) {
    attempts.push(await attempt(body));
    if (attempts.at(-1) === '200') break;
    await pause(RETRY_MS[Math.min(attempts.length - 1, RETRY_MS.length - 1)] ?? 0);
  }
  log.write(`${JSON.stringify({ mids, attempts, ms: Math.round(performance.now() - began) })}\n`);
  free.push(...conversations);
}

async function work(began: number): Promise<void> {
  for (let n = 0; events < options.events || !mayEnd; n++) {
    const post = nextPost(free);
    if (post === undefined) {
      await pause(5);
      continue;
    }
    events += post.mids.length;
    await deliver(post);
    const due = options.perSecond === 0 ? 0 : began + ((n + 1) * options.connections * 1_000) / options.perSecond;
    await pause(Math.max(0, due - performance.now()));
  }
}

const began = performance.now();
await Promise.all(Array.from({ length: options.connections }, () => work(began)));
const seconds = (performance.now() - began) / 1_000;
log.end(`${JSON.stringify({ done: true, events, seconds })}\n`);
agent.destroy();
