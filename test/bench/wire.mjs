// The cheapest bot and the cheapest sender that speak HTTP, so that what is measured is the hop between them.
import { createHmac } from 'node:crypto';
import { connect, createServer } from 'node:net';

const OK = Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nok');
const LENGTH = /content-length: *(\d+)/i;

/** Length of the first whole message in `text`; 0: not there yet. */
function messageLength(text) {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return 0;
  const total = end + 4 + Number(LENGTH.exec(text)?.[1] ?? '0');
  return text.length >= total ? total : 0;
}

/** A bot that answers 200 to everything. `bot.requests` counts. */
export async function startBot() {
  const bot = { requests: 0, port: 0, close: () => server.close() };
  const server = createServer((socket) => {
    let text = '';
    socket.setNoDelay(true);
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      text = text === '' ? chunk.latin1Slice() : text + chunk.latin1Slice();
      for (let length = messageLength(text); length > 0; length = messageLength(text)) {
        text = length === text.length ? '' : text.slice(length);
        bot.requests++;
        socket.write(OK);
      }
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  bot.port = server.address().port;
  return bot;
}

/** A signed POST as it goes over the wire, made before the clock runs. Both signatures, as Meta sends them. */
export function signedPost(body, secret) {
  const sign = (algorithm) => createHmac(algorithm, secret).update(body).digest('hex');
  return Buffer.from(
    `POST /webhooks/messenger HTTP/1.1\r\nHost: bots.example.com\r\nContent-Type: application/json\r\nUser-Agent: facebookexternalua\r\n` +
      `Accept: */*\r\nX-Hub-Signature: sha1=${sign('sha1')}\r\nX-Hub-Signature-256: sha256=${sign('sha256')}\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

/**
 * Sends what `next` gives over kept-alive connections, each waiting for its answer, until `endsAt` or until there is nothing
 * more. Resolves with counts by status.
 */
export function load({ port, connections, endsAt, next }) {
  const statuses = {};
  const one = () =>
    new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1');
      let text = '';
      const send = () => {
        const post = performance.now() < endsAt ? next() : undefined;
        if (post !== undefined) socket.write(post);
        else {
          socket.destroy();
          resolve();
        }
      };
      socket.setNoDelay(true);
      socket.on('error', reject);
      socket.on('close', resolve);
      socket.on('connect', send);
      socket.on('data', (chunk) => {
        text = text === '' ? chunk.latin1Slice() : text + chunk.latin1Slice();
        const length = messageLength(text);
        if (length === 0) return;
        const status = text.slice(9, 12);
        statuses[status] = (statuses[status] ?? 0) + 1;
        text = text.slice(length);
        send();
      });
    });
  return Promise.all(Array.from({ length: connections }, one)).then(() => statuses);
}
