import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One request as it came, judged by the bot itself. */
export interface BotRequest {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** Both signatures, made with the bot's own secret over exactly these bytes, are there. */
  readonly signed: boolean;
}

/** How the bot answers; `hang`: not at all. */
export type BotAnswer = { readonly status: number; readonly body?: string } | 'hang';

interface Item {
  readonly message?: { readonly mid?: string };
  readonly postback?: { readonly mid?: string };
}

interface Body {
  readonly entry: readonly { readonly id: string; readonly messaging?: readonly Item[]; readonly standby?: readonly Item[] }[];
}

/**
 * A bot that writes down what it gets. It refuses what is not signed with its secret, as Bottender
 * does.
 */
export class RecordingBot {
  readonly received: BotRequest[] = [];
  readonly port: number;
  /** Changed by a test at any time. */
  answer: (request: BotRequest) => BotAnswer = () => ({ status: 200 });
  /** The secrets whose signature the bot accepts. A test may add one at any time. */
  readonly secrets: string[];
  readonly #server: Server;

  private constructor(server: Server, secret: string) {
    this.#server = server;
    this.secrets = [secret];
    this.port = (server.address() as AddressInfo).port;
    server.on('request', (request, response) => {
      void read(request, this.secrets).then((seen) => {
        this.received.push(seen);
        const answer = seen.signed ? this.answer(seen) : { status: 400, body: 'wrong signature' };
        if (answer !== 'hang') response.writeHead(answer.status).end(answer.body ?? '');
      });
    });
  }

  /** Listens on the loopback interface; `secret` is what it has as its app secret. */
  static async start(secret: string): Promise<RecordingBot> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new RecordingBot(server, secret);
  }

  /** The message ids of every item that came and was signed rightly, in order. */
  mids(): readonly string[] {
    return this.received
      .filter(({ signed }) => signed)
      .flatMap(({ body }) => (JSON.parse(body) as Body).entry)
      .flatMap(({ messaging = [], standby = [] }) => [...messaging, ...standby])
      .map(({ message, postback }) => message?.mid ?? postback?.mid ?? '');
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

async function read(request: IncomingMessage, secrets: readonly string[]): Promise<BotRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const bytes = Buffer.concat(chunks);
  const hmac = (algorithm: string, secret: string): string => `${algorithm}=${createHmac(algorithm, secret).update(bytes).digest('hex')}`;
  const { headers, url = '' } = request;
  const signed = secrets.some(
    (secret) => headers['x-hub-signature'] === hmac('sha1', secret) && headers['x-hub-signature-256'] === hmac('sha256', secret),
  );
  return { path: url, headers, body: bytes.toString('utf8'), signed };
}
