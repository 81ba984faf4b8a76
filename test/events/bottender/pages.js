const { createPages } = require('messenger-operator-client');

module.exports = createPages({ baseUrl: process.env.PAGES_API_URL, tokenFile: process.env.PAGES_API_KEY_FILE, graph: 'token' });
