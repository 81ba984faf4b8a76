import { flag, optionalFlag } from '../flag.js';
import { boolean, duration, file, port, text } from '../value-types.js';

const PAGES_API = ['pages-api', 'standalone'] as const;

/** Flags of the internal API for bots. */
export const PAGES_API_FLAGS = {
  apiPort: flag(port, '8081', {
    name: 'api-port',
    commands: PAGES_API,
    group: 'Pages API',
    about: 'Port of the Pages API, which serves bots their pages and tokens.',
  }),
  apiTlsCert: optionalFlag(file, {
    name: 'api-tls-cert',
    commands: PAGES_API,
    group: 'Pages API',
    about: 'PEM certificate chain of the Pages API. Reloaded when the file changes.',
  }),
  apiTlsKey: optionalFlag(file, {
    name: 'api-tls-key',
    commands: PAGES_API,
    group: 'Pages API',
    about: 'PEM private key for --api-tls-cert.',
  }),
  apiAllowPlaintext: flag(boolean, 'false', {
    name: 'api-allow-plaintext',
    commands: PAGES_API,
    group: 'Pages API',
    about: 'Serve tokens without TLS. Only for a laptop, or behind a mesh that encrypts traffic.',
  }),
  apiAudience: flag(text('AUDIENCE', /^[\x21-\x7e]{1,253}$/, 'text without blanks'), 'messenger-operator', {
    name: 'api-audience',
    commands: ['pages-api'],
    group: 'Pages API',
    about: "Audience that a bot's ServiceAccount token must have.",
  }),
  authStaleMs: flag(duration('0s', '24h'), '10m', {
    name: 'auth-stale',
    commands: ['pages-api'],
    group: 'Pages API',
    about: 'How long a known caller stays accepted while the API server is unavailable.',
  }),
  graphProxy: flag(boolean, 'false', {
    name: 'graph-proxy',
    commands: PAGES_API,
    group: 'Pages API',
    about: 'Let bots call Graph through the Pages API without holding a token (not in this version).',
    notYet: true,
  }),
};
