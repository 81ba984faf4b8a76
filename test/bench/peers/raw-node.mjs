// The limit in Node: node:http, one HMAC over the raw body, undici to the bot. No JSON, no routing, no order, no bounds.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';
import { Pool } from 'undici';

const { secret, botPort } = JSON.parse(process.argv[2]);
const pool = new Pool(`http://127.0.0.1:${botPort}`, { connections: 128 });
let handled = 0;

const server = createServer((req, res) => {
  const chunks = [];
  req.on('data', (chunk) => chunks.push(chunk));
  req.on('end', async () => {
    const body = chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
    const header = req.headers['x-hub-signature-256'] ?? '';
    const digest = createHmac('sha256', secret).update(body).digest();
    if (header.length !== 71 || !timingSafeEqual(digest, Buffer.from(header.slice(7), 'hex'))) {
      res.writeHead(401).end();
      return;
    }
    const headers = { 'content-type': 'application/json', 'x-hub-signature-256': header };
    const answer = await pool.request({ path: '/webhooks/messenger', method: 'POST', headers, body });
    await answer.body.dump();
    handled++;
    res.writeHead(answer.statusCode, { 'Content-Type': 'text/plain', 'Content-Length': 3 });
    res.end('ok\n');
  });
});
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));
process.on('message', () => process.send({ cpu: process.cpuUsage(), handled, rss: process.memoryUsage.rss() }));
