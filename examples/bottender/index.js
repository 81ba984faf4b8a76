const { appendFileSync } = require('node:fs');
const { getBotConfig } = require('./pages');

// What this bot handled, a JSON object a line: `make demo` is judged by it.
function record(fields) {
  if (process.env.BOT_RECORD) appendFileSync(process.env.BOT_RECORD, `${JSON.stringify(fields)}\n`);
}

/** One app for every Page: what differs from Page to Page comes from that Page's manifest (`spec.botConfig`). */
module.exports = async function App(context) {
  const { event } = context;
  const pageId = event.rawEvent.recipient.id;
  const config = await getBotConfig(pageId);
  const mid = event.message && event.message.mid;
  record({ bot: process.env.BOT_NAME, pageId, mid, text: event.text, standby: event.isStandby, clinic: config.clinic });

  // In standby another app owns the conversation: listen, never answer.
  if (event.isStandby || !event.isText) return;
  await context.sendText(`${config.greeting} You wrote "${event.text}".`);
};
