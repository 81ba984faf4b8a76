const { mapPageToAccessToken } = require('./pages');

module.exports = {
  channels: {
    messenger: {
      enabled: true,
      path: '/webhooks/messenger',
      appId: process.env.MESSENGER_APP_ID,
      // What the operator signs this bot's requests with: the value of backend.signingSecretRef. Bottender checks signatures with it.
      appSecret: process.env.MESSENGER_APP_SECRET,
      // Bottender would also compute appsecret_proof with it, which Graph refuses for any other value than the app's own secret.
      skipAppSecretProof: true,
      verifyToken: process.env.MESSENGER_VERIFY_TOKEN,
      mapPageToAccessToken,
      origin: process.env.GRAPH_ORIGIN, // only for development: another Graph than https://graph.facebook.com
    },
  },
};
