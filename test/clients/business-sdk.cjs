// Drives Meta's own business SDK as published; only the property that names the host is overridden.
// Takes {origin, appId, appSecret, token, userToken, pageId} as JSON, prints what every call came to as JSON.
const { FacebookAdsApi, Page, Application, User } = require('facebook-nodejs-business-sdk');

async function main({ origin, appId, appSecret, token, userToken, pageId }) {
  Object.defineProperty(FacebookAdsApi, 'GRAPH', { get: () => origin });
  const results = {};
  const step = async (name, call) => {
    results[name] = await call().then(
      (value) => ({ value }),
      (error) => ({ error: error.message }),
    );
  };
  const plain = (objects) => objects.map((object) => object._data);

  const asPage = new FacebookAdsApi(token, 'en_US', false);
  const page = new Page(pageId, {}, undefined, asPage);
  await step('page', async () => (await page.get(['name', 'category']))._data);
  await step('unknownField', async () => (await page.get(['nope']))._data);
  await step('subscribe', async () => (await page.createSubscribedApp([], { subscribed_fields: ['messages', 'feed'] }))._data);
  await step('badField', async () => (await page.createSubscribedApp([], { subscribed_fields: ['mentions'] }))._data);
  await step('subscribed', async () => plain(await page.getSubscribedApps(['id', 'subscribed_fields'])));
  await step('unsubscribe', async () => page.deleteSubscribedApps());
  await step('unsubscribed', async () => plain(await page.getSubscribedApps(['id'])));
  await step('persona', async () => (await page.createPersona([], { name: 'Ann', profile_picture_url: 'https://p.example/a.png' }))._data);
  await step(
    'message',
    async () =>
      (await page.createMessage([], { recipient: { id: '987' }, message: { text: 'from the SDK' }, messaging_type: 'RESPONSE' }))._data,
  );

  const asUser = new FacebookAdsApi(userToken, 'en_US', false);
  await step('accounts', async () => {
    const names = [];
    let cursor = await new User('me', {}, undefined, asUser).getAccounts(['name', 'access_token'], { limit: 10 });
    for (;;) {
      names.push(...cursor.map((account) => account._data.name));
      if (!cursor.hasNext()) return names;
      cursor = await cursor.next();
    }
  });

  const asApp = new FacebookAdsApi(`${appId}|${appSecret}`, 'en_US', false);
  await step('appSubscriptions', async () =>
    plain(await new Application(appId, {}, undefined, asApp).getSubscriptions(['object', 'fields'])),
  );
  return results;
}

main(JSON.parse(process.argv[2])).then((results) => {
  process.stdout.write(JSON.stringify(results));
});
