// The operator's Pages API, as Bottender's multi-page guide wants it: a page id in, that page's token out.
const { createPages } = require('messenger-operator-client');

module.exports = createPages({
  baseUrl: process.env.PAGES_API_URL,
  tokenFile: process.env.PAGES_API_KEY_FILE,
  graph: 'token',
});
