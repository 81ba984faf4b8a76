// A bot as a process of its own: writes down every event before it accepts it. Arguments: one JSON
// object.
import { createHmac } from 'node:crypto';
import { openSync, writeSync } from 'node:fs';
import { createServer } from 'node:http';

interface Options {
  readonly port: number;
  readonly secret: string;
  /** One line a request: the page, and the message ids in their order. */
  readonly log: string;
}

interface Body {
  readonly entry: readonly { readonly id: string; readonly messaging: readonly { readonly message: { readonly mid: string } }[] }[];
}

const { port, secret, log } = JSON.parse(process.argv[2] ?? '{}') as Options;
const file = openSync(log, 'a');

const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const bytes = Buffer.concat(chunks);
    const right = `sha256=${createHmac('sha256', secret).update(bytes).digest('hex')}`;
    if (request.headers['x-hub-signature-256'] !== right) {
      response.writeHead(400).end();
      return;
    }
    const { entry } = JSON.parse(bytes.toString()) as Body;
    const mids = entry.flatMap(({ messaging }) => messaging.map(({ message }) => message.mid));
    writeSync(file, `${JSON.stringify({ page: request.headers['x-messenger-page-id'], pages: entry.map(({ id }) => id), mids })}\n`);
    response.writeHead(200).end('ok');
  });
});
server.listen(port, '127.0.0.1');
