// Bottender's own server as the webhook itself, with the Bottender of the example bot.
const { createRequire } = require('node:module');
const { join } = require('node:path');

const { initializeServer } = createRequire(join(__dirname, '../../../../examples/bottender/server.js'))('bottender');

const server = initializeServer().listen(0, '127.0.0.1', () => console.log(`port ${server.address().port}`));
process.on('SIGTERM', () => process.exit(0));
