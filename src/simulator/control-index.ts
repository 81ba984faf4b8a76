interface IndexEntry {
  readonly call: string;
  readonly what: string;
  readonly example?: string;
}

/**
 * Describes the control API, with an example for each call. `ORIGIN` stands for the simulator's
 * address.
 */
export const CONTROL_CALLS: readonly IndexEntry[] = [
  { call: 'GET ', what: 'this list' },
  { call: 'GET health', what: 'answers as soon as the simulator is up' },
  { call: 'GET state', what: 'apps, pages, tokens (by name, state and SHA-256), subscriptions at both levels, faults, settings' },
  {
    call: 'POST apps',
    what: 'makes an app, or replaces it (a new secret is a rotated one)',
    example: '{"id":"111","secret":"s3cret","name":"Main"}',
  },
  { call: 'POST pages', what: 'makes a page', example: '{"id":"222","name":"Clinic A"}' },
  { call: 'DELETE pages/:page', what: 'takes a page away' },
  {
    call: 'POST tokens',
    what: 'makes a token and answers with its value, the only time it is shown; type PAGE, USER, SYSTEM_USER or APP',
    example: '{"alias":"clinic-a","type":"PAGE","appId":"111","pageId":"222"}',
  },
  {
    call: 'POST tokens/:token',
    what: 'changes state (valid, expired, password_changed, uninstalled, checkpoint, unconfirmed, invalidated, role_lost, garbage), scopes, granularTargets, expiresAt, dataAccessExpiresAt',
    example: '{"state":"password_changed"}',
  },
  {
    call: 'PUT pages/:page/subscriptions/:app',
    what: "sets an app's fields on a page, as a person in the dashboard would",
    example: '{"fields":["messages"]}',
  },
  { call: 'DELETE pages/:page/subscriptions/:app', what: 'takes an app off a page' },
  {
    call: 'PUT apps/:app/subscriptions/:object',
    what: "sets an app's webhook without verifying the callback",
    example: '{"callbackUrl":"http://127.0.0.1:8080/webhooks/messenger","fields":["messages"]}',
  },
  { call: 'DELETE apps/:app/subscriptions/:object', what: "takes an app's webhook away" },
  {
    call: 'POST send',
    what: 'sends a signed webhook POST: events (in simple words), entries, body or rawBody; force, sign (right, wrong, reserialized, none), url, headers, retry, untilDone',
    example: '{"appId":"111","events":[{"pageId":"222","user":"ann","text":"hello"}]}',
  },
  { call: 'GET faults', what: 'the faults that are switched on' },
  {
    call: 'POST faults',
    what: 'switches a fault on for calls by operation, method, appId, pageId, times; effect kinds error, throttle, http, slow, hang, drop, truncate, echo, null, huge',
    example: '{"operation":"subscribed_apps","pageId":"222","effect":{"kind":"throttle","code":32,"regainMinutes":5}}',
  },
  { call: 'DELETE faults', what: 'switches all faults off' },
  { call: 'DELETE faults/:id', what: 'switches one fault off' },
  { call: 'GET config', what: 'the settings' },
  { call: 'POST config', what: 'changes settings', example: '{"strictDelete":true,"lagMs":500}' },
  { call: 'GET calls', what: 'the Graph calls so far; ?since=SEQ for those behind a number' },
  { call: 'GET messages', what: 'the messages that bots sent; ?since=SEQ' },
  { call: 'GET deliveries', what: 'the webhook POSTs with every attempt; ?since=SEQ' },
  { call: 'POST seed', what: 'makes everything that a seed names (as JSON)', example: '{"apps":[{"id":"111","secret":"s3cret"}]}' },
  { call: 'POST reset', what: 'forgets everything' },
];

/** The list as text for a terminal. */
export function controlIndex(origin: string): string {
  const entries = CONTROL_CALLS.map(({ call, what, example }) => {
    const [method = '', path = ''] = call.split(' ');
    const url = `${origin}/_sim${path === '' ? '' : `/${path}`}`;
    const verb = method === 'GET' ? '' : `-X ${method} `;
    const data = example === undefined ? '' : ` -H 'content-type: application/json' -d '${example}'`;
    return `${method} /_sim${path === '' ? '' : `/${path}`}\n    ${what}\n    curl -s ${verb}${url}${data}\n`;
  });
  return `The Graph API is at ${origin}/ (versioned or not). Control calls:\n\n${entries.join('\n')}`;
}
