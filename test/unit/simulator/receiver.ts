import http from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Received {
  readonly method: string;
  readonly url: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface Receiver {
  readonly url: string;
  readonly received: Received[];
  /** What POSTs are answered; `hang` leaves them without an answer. */
  answer: number | 'hang';
  /** What a verification GET is answered; by default the challenge. */
  challenge: (query: URLSearchParams) => { readonly status: number; readonly body: string } | 'hang';
  close(): Promise<void>;
}

/** A webhook endpoint that writes down what it gets. */
export async function startReceiver(): Promise<Receiver> {
  const received: Received[] = [];
  const server = http.createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      received.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks) });
      if (request.method === 'GET') {
        const reply = receiver.challenge(new URL(request.url ?? '', 'http://localhost').searchParams);
        if (reply !== 'hang') response.writeHead(reply.status).end(reply.body);
      } else if (receiver.answer !== 'hang') response.writeHead(receiver.answer).end('ok');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const receiver: Receiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/webhooks/messenger`,
    received,
    answer: 200,
    challenge: (query) => ({ status: 200, body: query.get('hub.challenge') ?? '' }),
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
      });
    },
  };
  return receiver;
}
