// As Bottender's multi-page guide has it; `batchConfig` and `sync` as the test says.
const { mapPageToAccessToken } = require('./pages');

const { batch, sync } = JSON.parse(process.env.BOT_OPTIONS);

module.exports = {
  channels: {
    messenger: {
      enabled: true,
      path: '/webhooks/messenger',
      appId: process.env.MESSENGER_APP_ID,
      appSecret: process.env.MESSENGER_APP_SECRET,
      verifyToken: 'verify-me',
      mapPageToAccessToken,
      origin: process.env.GRAPH_ORIGIN,
      sync,
      // A batch itself needs some token; each of its items has its page's own.
      ...(batch ? { batchConfig: { delay: 30 }, accessToken: process.env.BATCH_TOKEN } : {}),
    },
  },
};
