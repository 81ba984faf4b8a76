// Writes every event down and answers texts. An item is known by its timestamp, of which no two are the same.
const { appendFileSync } = require('node:fs');

const record = (fields) => appendFileSync(process.env.BOT_RECORD, `${JSON.stringify(fields)}\n`);

module.exports = async function App(context) {
  const { event } = context;
  const { timestamp, sender, recipient } = event.rawEvent;
  record({ handled: timestamp, sender: sender && sender.id, recipient: recipient && recipient.id, standby: event.isStandby });
  if (event.isStandby || event.isEcho || !event.isText) return;
  await context.sendText(`re ${timestamp}`);
};
