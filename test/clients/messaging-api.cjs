// Drives messaging-api-messenger (the Graph client within Bottender) as published; only `origin` points elsewhere.
// Takes {origin, appId, appSecret, token, callbackUrl, psid} as JSON, prints what every call came to as JSON.
const { MessengerBatch, MessengerClient } = require('messaging-api-messenger');

async function main({ origin, appId, appSecret, token, callbackUrl, psid }) {
  const client = new MessengerClient({ accessToken: token, appId, appSecret, version: '25.0', origin });
  const results = {};
  const step = async (name, call) => {
    results[name] = await call().then(
      (value) => ({ value }),
      (error) => ({ error: error.message }),
    );
    return results[name].value;
  };

  await step('page', () => client.getPageInfo());
  await step('token', () => client.debugToken());
  await step('subscribe', () =>
    client.createSubscription({ callbackUrl, verifyToken: 'verify me', fields: ['messages', 'messaging_postbacks'] }),
  );
  await step('badField', () => client.createSubscription({ callbackUrl, verifyToken: 'x', fields: ['messaging_seen'] }));
  await step('subscription', () => client.getPageSubscription());
  await step('menuTooEarly', () => client.setPersistentMenu([{ type: 'postback', title: 'Help', payload: 'HELP' }]));
  await step('setStarted', () => client.setGetStarted('GO'));
  await step('setGreeting', () => client.setGreeting('Hello!'));
  await step('menu', () => client.setPersistentMenu([{ type: 'postback', title: 'Help', payload: 'HELP' }]));
  await step('profile', () => client.getMessengerProfile(['get_started', 'greeting', 'persistent_menu']));
  await step('deleteMenu', () => client.deletePersistentMenu());
  await step('noMenu', () => client.getPersistentMenu());
  const persona = await step('createPersona', () => client.createPersona({ name: 'Ann', profilePictureUrl: 'https://p.example/ann.png' }));
  for (let i = 0; i < 29; i++) await client.createPersona({ name: `P${i}`, profilePictureUrl: 'https://p.example/p.png' });
  await step('persona', () => client.getPersona(persona.id));
  await step('personas', () => client.getPersonas());
  await step('allPersonas', () => client.getAllPersonas());
  await step('deletePersona', () => client.deletePersona(persona.id));
  await step('user', () => client.getUserProfile(psid));
  await step('send', () => client.sendText(psid, 'hello from a real client'));
  await step('typing', () => client.typingOn(psid));
  await step('batch', () =>
    client.sendBatch([MessengerBatch.sendText(psid, 'one'), MessengerBatch.sendText(psid, 'two'), MessengerBatch.getUserProfile('404')]),
  );
  return results;
}

main(JSON.parse(process.argv[2])).then((results) => {
  process.stdout.write(JSON.stringify(results));
});
