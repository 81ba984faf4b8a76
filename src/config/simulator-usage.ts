/** The verbs of `messenger-operator simulator VERB …`, as `--help` shows them. */
export const SIMULATOR_USAGE = {
  show: { usage: 'show [state|calls|messages|deliveries|faults|config]', about: 'show the state and what happened' },
  app: { usage: 'app ID SECRET [NAME]', about: 'create an app; run it again with another secret to rotate the secret' },
  page: { usage: 'page ID [NAME]', about: 'create a page' },
  token: { usage: 'token APP PAGE [ALIAS]', about: 'create a page token and print its value' },
  revoke: {
    usage: 'revoke ALIAS [STATE]',
    about: 'invalidate a token: invalidated (the default), expired, password_changed, uninstalled, …; valid restores it',
  },
  fields: { usage: 'fields APP PAGE FIELD[,FIELD…]', about: "set the app's fields on a page, as a person in the dashboard would" },
  unsubscribe: { usage: 'unsubscribe APP PAGE', about: 'remove the app from a page, as a person in the dashboard would' },
  callback: { usage: 'callback APP URL FIELD[,FIELD…]', about: "set the app's webhook; events are sent there" },
  send: { usage: 'send APP PAGE USER TEXT', about: 'send a message from a person to a page' },
  call: { usage: 'call METHOD PATH [JSON]', about: 'make any call of the control API; GET without a path lists them' },
} as const satisfies Record<string, { readonly usage: string; readonly about: string }>;

export type SimulatorVerb = keyof typeof SIMULATOR_USAGE;
