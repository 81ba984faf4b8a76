const { appendFileSync } = require('node:fs');
const { createServer } = require('node:http');
const { initializeServer } = require('bottender');

const app = initializeServer();
const server = createServer((request, response) => {
  if (request.method === 'POST') {
    response.on('finish', () => appendFileSync(process.env.BOT_RECORD, `${JSON.stringify({ status: response.statusCode })}\n`));
  }
  app(request, response);
});
server.listen(Number(process.env.PORT), '127.0.0.1');
