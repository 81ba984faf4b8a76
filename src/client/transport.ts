import { Agent as HttpAgent, request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { PagesError } from './errors.js';
import { WatchedFile } from './watched-file.js';

/** An answer whose body is JSON; undefined for one without a body. */
export interface ApiAnswer {
  readonly status: number;
  readonly etag: string | undefined;
  readonly body: unknown;
}

/**
 * One GET. @throws PagesError without a status when there is no answer, or none that can be read.
 */
export type ApiGet = (url: URL, headers: Readonly<Record<string, string>>, signal: AbortSignal) => Promise<ApiAnswer>;

const MAX_BYTES = 8_388_608;
const CONNECTIONS = 16;

/** GETs with the `fetch` that a bot brings along. */
export function fetchGet(fetcher: typeof fetch): ApiGet {
  return async (url, headers, signal) => {
    try {
      const response = await fetcher(url, { headers, signal, redirect: 'manual' });
      const body = parsed(await boundedText(response.body ?? []));
      return { status: response.status, etag: response.headers.get('etag') ?? undefined, body };
    } catch (error) {
      throw noAnswer(error);
    }
  };
}

/** GETs with Node alone, over kept connections. */
export function nodeGet(tls: { readonly ca?: string | undefined; readonly caFile?: string | undefined }): ApiGet {
  const httpAgent = new HttpAgent({ keepAlive: true, maxSockets: CONNECTIONS });
  const httpsAgent = agentSource(tls);
  return async (url, headers, signal) => {
    try {
      const secure = url.protocol === 'https:';
      const agent = secure ? await httpsAgent() : httpAgent;
      return await sent(() => (secure ? httpsRequest : httpRequest)(url, { agent, headers, signal }));
    } catch (error) {
      throw noAnswer(error);
    }
  };
}

/** The agent for the authority as it is now: another one when the file changed. */
function agentSource({
  ca,
  caFile,
}: {
  readonly ca?: string | undefined;
  readonly caFile?: string | undefined;
}): () => Promise<HttpsAgent> {
  const file = caFile === undefined ? undefined : new WatchedFile(caFile);
  let agent: HttpsAgent | undefined;
  let trusted = ca;
  return async () => {
    const authority = file === undefined ? ca : await file.text();
    if (agent !== undefined && authority === trusted) return agent;
    // Kept connections of the old agent end when they are idle.
    agent = new HttpsAgent({
      keepAlive: true,
      maxSockets: CONNECTIONS,
      timeout: 60_000,
      ...(authority === undefined ? {} : { ca: authority }),
    });
    trusted = authority;
    return agent;
  };
}

/**
 * A kept connection may be closed by the other side just now: that says nothing, and one more
 * attempt gets another one.
 */
async function sent(begin: () => ClientRequest): Promise<ApiAnswer> {
  let request = begin();
  try {
    return await answerOf(request);
  } catch (error) {
    if (!request.reusedSocket || isAborted(error)) throw error;
    request = begin();
    return answerOf(request);
  }
}

function answerOf(request: ClientRequest): Promise<ApiAnswer> {
  return new Promise((resolve, reject) => {
    request.on('error', reject);
    request.on('response', (response) => {
      read(response).then(resolve, reject);
    });
    request.end();
  });
}

async function read(response: IncomingMessage): Promise<ApiAnswer> {
  const body = parsed(await boundedText(response as AsyncIterable<Buffer>));
  return { status: response.statusCode ?? 0, etag: response.headers.etag, body };
}

async function boundedText(body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > MAX_BYTES) throw new Error(`an answer of more than ${MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parsed(text: string): unknown {
  return text === '' ? undefined : (JSON.parse(text) as unknown);
}

function isAborted(error: unknown): boolean {
  return error instanceof Error && (error.name === 'AbortError' || error.name === 'TimeoutError');
}

/** The cause names host and port, never what was sent. */
function noAnswer(error: unknown): PagesError {
  return new PagesError('the Pages API gave no answer', { cause: error });
}
