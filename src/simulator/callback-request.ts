import http from 'node:http';
import https from 'node:https';
import type { Clock } from '../kit/clock.js';

export interface CallbackRequest {
  readonly url: URL;
  readonly method: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string | number>>;
  readonly body?: Buffer;
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly agent?: http.Agent;
}

export type CallbackResult =
  | { readonly kind: 'answer'; readonly status: number; readonly statusMessage: string; readonly body: string }
  | { readonly kind: 'timeout' }
  | { readonly kind: 'failed'; readonly error: string };

const MAX_ANSWER = 65_536;

/**
 * One request to an app's callback URL, as Meta's servers make it: no redirect, one time limit, at
 * most 64 KiB of the answer. Never rejects.
 */
export function requestCallback(wanted: CallbackRequest): Promise<CallbackResult> {
  const { url, method, headers, body, timeoutMs, clock, agent } = wanted;
  return new Promise((resolve) => {
    const secure = url.protocol === 'https:';
    const request = (secure ? https : http).request(url, { method, headers, ...(secure || agent === undefined ? {} : { agent }) });
    const done = (result: CallbackResult): void => {
      cancel();
      resolve(result);
    };
    const cancel = clock.setTimer(timeoutMs, () => {
      done({ kind: 'timeout' });
      request.destroy();
    });
    request.on('error', (error: NodeJS.ErrnoException) => {
      done({ kind: 'failed', error: error.code ?? 'unknown failure' });
    });
    request.on('response', (response) => {
      readAnswer(response, done);
    });
    request.end(body);
  });
}

function readAnswer(response: http.IncomingMessage, done: (result: CallbackResult) => void): void {
  const { statusCode: status = 0, statusMessage = '' } = response;
  const chunks: Buffer[] = [];
  let size = 0;
  const finish = (): void => {
    done({ kind: 'answer', status, statusMessage, body: Buffer.concat(chunks).toString('utf8') });
  };
  response.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size <= MAX_ANSWER) {
      chunks.push(chunk);
      return;
    }
    finish();
    response.destroy();
  });
  response.on('error', () => {
    done({ kind: 'failed', error: 'answer broken off' });
  });
  response.on('end', finish);
}
