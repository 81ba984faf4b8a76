/** The verbs of `messenger-operator simulator VERB …`, as `--help` shows them. */
export const SIMULATOR_USAGE = {
  show: { usage: 'show [state|calls|messages|deliveries|faults|config]', about: 'what there is, and what happened' },
  app: { usage: 'app ID SECRET [NAME]', about: 'make an app; again with another secret to rotate it' },
  page: { usage: 'page ID [NAME]', about: 'make a page' },
  token: { usage: 'token APP PAGE [ALIAS]', about: 'make a page token; prints its value' },
  revoke: {
    usage: 'revoke ALIAS [STATE]',
    about: 'spoil a token: invalidated (if not said), expired, password_changed, uninstalled, …; valid heals it',
  },
  fields: { usage: 'fields APP PAGE FIELD[,FIELD…]', about: "set the app's fields on a page by hand, as somebody in the dashboard would" },
  unsubscribe: { usage: 'unsubscribe APP PAGE', about: 'take the app off a page by hand' },
  callback: { usage: 'callback APP URL FIELD[,FIELD…]', about: "set the app's webhook; events are sent there" },
  send: { usage: 'send APP PAGE USER TEXT', about: 'a person writes to a page' },
  call: { usage: 'call METHOD PATH [JSON]', about: 'any call of the control API; GET without a path lists them' },
} as const satisfies Record<string, { readonly usage: string; readonly about: string }>;

export type SimulatorVerb = keyof typeof SIMULATOR_USAGE;
