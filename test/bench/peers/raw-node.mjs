// The limit in Node: node:http, one HMAC over the raw body, undici to the bot. No JSON, no routing, no order, no bounds.
// `splits`: what it takes at least to give each entry's page its own signed request.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';
import { Pool } from 'undici';

const { secret, botPort, splits = false } = JSON.parse(process.argv[2]);
const pool = new Pool(`http://127.0.0.1:${botPort}`, { connections: 128 });

const hmac = (algorithm, body) => createHmac(algorithm, secret).update(body);

async function forward(headers, body) {
  const answer = await pool.request({ path: '/webhooks/messenger', method: 'POST', headers, body });
  await answer.body.dump();
  return answer.statusCode;
}

async function split(body) {
  const { object, entry } = JSON.parse(body);
  const statuses = await Promise.all(
    entry.map((one) => {
      const part = Buffer.from(JSON.stringify({ object, entry: [one] }));
      const headers = {
        'content-type': 'application/json',
        'x-hub-signature-256': `sha256=${hmac('sha256', part).digest('hex')}`,
        'x-hub-signature': `sha1=${hmac('sha1', part).digest('hex')}`,
      };
      return forward(headers, part);
    }),
  );
  return Math.max(...statuses);
}

const server = createServer((req, res) => {
  const chunks = [];
  req.on('data', (chunk) => chunks.push(chunk));
  req.on('end', async () => {
    const body = chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
    const header = req.headers['x-hub-signature-256'] ?? '';
    const digest = hmac('sha256', body).digest();
    if (header.length !== 71 || !timingSafeEqual(digest, Buffer.from(header.slice(7), 'hex'))) {
      res.writeHead(401).end();
      return;
    }
    const status = splits ? await split(body) : await forward({ 'content-type': 'application/json', 'x-hub-signature-256': header }, body);
    res.writeHead(status, { 'Content-Type': 'text/plain', 'Content-Length': 3 });
    res.end('ok\n');
  });
});
server.listen(0, '127.0.0.1', () => console.log(`port ${server.address().port}`));
process.on('SIGTERM', () => process.exit(0));
