// What a user would apply: one app, three Pages of two teams' bots, a Secret with the token a Page.
export const NAMESPACE = 'bots';
export const APP = { id: '1517776481860111', secret: 'b2f6a0c94d7e1358b2f6a0c94d7e1358', verifyToken: 'demo-verify-me' };
/** What the operator signs its requests to the bots with: they never learn the app secret. */
export const SIGNING_SECRET = 'demo-signing-secret-of-the-bots';
export const FIELDS = ['messages', 'messaging_postbacks', 'messaging_optins', 'messaging_referrals', 'messaging_policy_enforcement'];

/** bot: which of the two Bottender processes answers for the Page. Ids as long as Meta's own. */
export const PAGES = [
  {
    name: 'clinic-north',
    pageId: '104500000000001',
    pageName: 'Clinic North',
    bot: 'clinic-bot',
    clinic: 'north',
    greeting: 'Clinic North here.',
  },
  {
    name: 'clinic-south',
    pageId: '104500000000002',
    pageName: 'Clinic South',
    bot: 'clinic-bot',
    clinic: 'south',
    greeting: 'Clinic South speaking.',
  },
  {
    name: 'pizza-roma',
    pageId: '104500000000003',
    pageName: 'Pizza Roma',
    bot: 'pizza-bot',
    clinic: 'none',
    greeting: 'Ciao from Pizza Roma!',
  },
];
export const BOTS = ['clinic-bot', 'pizza-bot'];

const secret = (name, values, type) => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name, namespace: NAMESPACE, ...(type === undefined ? {} : { labels: {} }) },
  ...(type === undefined ? {} : { type }),
  stringData: values,
});

export function appManifests() {
  return [
    secret('main-app', { appSecret: APP.secret, verifyToken: APP.verifyToken }),
    secret('bots', { appSecret: SIGNING_SECRET }),
    {
      apiVersion: 'messenger-operator.dev/v1alpha1',
      kind: 'MessengerApp',
      metadata: { name: 'main', namespace: NAMESPACE },
      spec: { appId: APP.id, appSecretRef: { name: 'main-app' }, verifyTokenRef: { name: 'main-app' } },
    },
  ];
}

export function botServices() {
  return BOTS.map((name) => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: NAMESPACE },
    spec: { ports: [{ name: 'http', port: 5000 }], selector: { app: name } },
  }));
}

/** In standalone a bot proves who it is with a key; in a cluster with its ServiceAccount's token. */
export const botKeySecret = (bot, key) => secret(`${bot}-key`, { key, pages: `bot=${bot}` }, 'messenger-operator.dev/bot-key');

export const tokenSecret = (page, token) => secret(`${page.name}-token`, { token });

export function pageManifest(page, extra = {}) {
  return {
    apiVersion: 'messenger-operator.dev/v1alpha1',
    kind: 'MessengerPage',
    metadata: { name: page.name, namespace: NAMESPACE, labels: { bot: page.bot } },
    spec: {
      pageId: page.pageId,
      appRef: { name: 'main' },
      accessTokenSecretRef: { name: `${page.name}-token` },
      backend: { service: { name: page.bot, port: 5000, path: '/webhooks/messenger' }, signingSecretRef: { name: 'bots' } },
      botConfig: { inline: { clinic: page.clinic, greeting: page.greeting } },
      ...extra,
    },
  };
}
