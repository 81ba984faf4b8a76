// The guide's server: Bottender's own, which checks X-Hub-Signature before it calls index.js.
const { initializeServer } = require('bottender');

const port = Number(process.env.PORT || 5000);
const server = initializeServer().listen(port, process.env.HOST || '127.0.0.1', () => {
  console.log(`bot ${process.env.BOT_NAME || ''} listens on port ${server.address().port}`);
});
process.on('SIGTERM', () => server.close(() => process.exit(0)));
