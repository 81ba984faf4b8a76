// The simulator's control API, as far as the demo needs it. Tokens appear in its records by name, never by value.
export class SimulatorRecords {
  #names = new Map();
  #appId;

  constructor(url) {
    this.url = url;
  }

  async alive() {
    return (await fetch(`${this.url}/_sim/health`)).ok;
  }

  /** Makes the app with its webhook, the pages, and a token a page. @returns page name → token value */
  async setUp({ app, pages, callbackUrl, fields }) {
    this.#appId = app.id;
    await this.#call('POST', 'apps', { id: app.id, secret: app.secret, name: 'Demo App', requireProof: false });
    await this.#call('PUT', `apps/${app.id}/subscriptions/page`, { callbackUrl, fields: [...fields, 'standby'] });
    const tokens = new Map();
    for (const page of pages) {
      await this.#call('POST', 'pages', { id: page.pageId, name: page.pageName });
      tokens.set(page.name, await this.newToken(page));
    }
    return tokens;
  }

  async newToken(page) {
    const alias = `${page.name}-token-${1 + Number(this.#names.get(page.pageId)?.split('-').at(-1) ?? 0)}`;
    this.#names.set(page.pageId, alias);
    const scopes = ['pages_messaging', 'pages_manage_metadata', 'pages_show_list'];
    return (await this.#call('POST', 'tokens', { alias, type: 'PAGE', appId: this.#appId, pageId: page.pageId, scopes })).token;
  }

  revoke(page) {
    return this.#call('POST', `tokens/${this.currentToken(page.pageId)}`, { state: 'password_changed' });
  }

  /** The name of the token that a page's calls should be made with now. */
  currentToken(pageId) {
    return this.#names.get(pageId);
  }

  setFields(appId, pageId, fields) {
    return this.#call('PUT', `pages/${pageId}/subscriptions/${appId}`, { fields });
  }

  /** Our app's fields on a page as Graph has them; undefined while the app is not on the page. */
  async fieldsOf(pageId) {
    const { subscriptions } = await this.#call('GET', 'state');
    return subscriptions.find((row) => row.pageId === pageId && row.appId === this.#appId)?.fields;
  }

  /** Meta sends one POST, again and again until it is answered 200 or the demo ends. */
  send(appId, entries) {
    return this.#call('POST', 'send', { appId, entries, force: true });
  }

  /** What bots sent, by whose token and to whom. */
  async messages() {
    const { messages } = await this.#call('GET', 'messages');
    return messages.map(({ pageId, token, recipient, text }) => ({ pageId, token, recipient: recipient.id, text }));
  }

  async #call(method, path, body) {
    const response = await fetch(`${this.url}/_sim/${path}`, {
      method,
      headers: body === undefined ? {} : { 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${method} /_sim/${path} answered ${response.status}: ${await response.text()}`);
    return response.json();
  }
}
