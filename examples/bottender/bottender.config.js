const { mapPageToAccessToken } = require('./pages');

module.exports = {
  channels: {
    messenger: {
      enabled: true,
      path: '/webhooks/messenger',
      appId: process.env.MESSENGER_APP_ID,
      appSecret: process.env.MESSENGER_APP_SECRET, // Bottender checks every request's signature with it
      verifyToken: process.env.MESSENGER_VERIFY_TOKEN,
      mapPageToAccessToken,
      origin: process.env.GRAPH_ORIGIN, // only for development: another Graph than https://graph.facebook.com
    },
  },
};
