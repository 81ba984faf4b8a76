// A bot of many Pages on Botkit's Facebook adapter as published, which checks every signature itself. Takes {appSecret, tokens}
// as JSON; tells its port and then everything that it handles or refuses, a JSON object a line.
const { createServer } = require('node:http');
const { FacebookAdapter } = require('botbuilder-adapter-facebook');

const { appSecret, tokens } = JSON.parse(process.argv[2]);
const tell = (fields) => process.stdout.write(`${JSON.stringify(fields)}\n`);
const adapter = new FacebookAdapter({
  verify_token: 'verify-me',
  app_secret: appSecret,
  getAccessTokenForPage: async (pageId) => tokens[pageId],
});

/** What express or restify would hand the adapter. */
function asExpress(request, response, rawBody) {
  const body = rawBody === '' ? {} : JSON.parse(rawBody);
  response.status = (code) => {
    response.statusCode = code;
    return response;
  };
  return { headers: request.headers, body, rawBody };
}

const server = createServer((request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    adapter
      .processActivity(asExpress(request, response, Buffer.concat(chunks).toString('utf8')), response, async ({ activity }) => {
        const { token } = await adapter.getAPI(activity);
        tell({ type: activity.type, text: activity.text, timestamp: activity.channelData.timestamp, token });
      })
      .catch((error) => {
        tell({ refused: error.message });
        response.end();
      });
  });
});
server.listen(0, '127.0.0.1', () => tell({ port: server.address().port }));
