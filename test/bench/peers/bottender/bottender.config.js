// As the multi-page guide has it; the answer goes out when the event was handled, and nothing is asked of Graph.
const { secret } = JSON.parse(process.argv[2]);

module.exports = {
  channels: {
    messenger: {
      enabled: true,
      path: '/webhooks/messenger',
      appId: '1',
      appSecret: secret,
      verifyToken: 'verify-me',
      mapPageToAccessToken: async (pageId) => `token-of-${pageId}`,
      skipLegacyProfile: true,
      sync: true,
    },
  },
};
