import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Mood = 'well' | 'hanging' | 'failing' | 'slow';

const SLOW_MS = 3_900;

/** A bot that keeps only when each event came first and how often, and is in a mood. */
export class MoodyBot {
  mood: Mood = 'well';
  /** Message id → when it came first, on `performance.now()`. */
  readonly came = new Map<string, number>();
  /** Message ids that were accepted more than once. */
  readonly again: string[] = [];
  /** Of all bodies. */
  bytes = 0;
  readonly port: number;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    server.on('request', (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        this.bytes += chunk.length;
      });
      request.on('end', () => {
        this.#answer(Buffer.concat(chunks).toString('latin1'), response);
      });
    });
  }

  static async start(): Promise<MoodyBot> {
    const server = createServer({ keepAliveTimeout: 60_000 }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new MoodyBot(server);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #answer(body: string, response: ServerResponse): void {
    const accept = (): void => {
      for (const [, mid = ''] of body.matchAll(/"mid":"([^"]+)"/g)) this.#note(mid);
      response.end('ok');
    };
    if (this.mood === 'failing') response.writeHead(500).end();
    if (this.mood === 'slow') setTimeout(accept, SLOW_MS);
    if (this.mood === 'well') accept();
  }

  #note(mid: string): void {
    if (this.came.has(mid)) this.again.push(mid);
    else this.came.set(mid, performance.now());
  }
}
