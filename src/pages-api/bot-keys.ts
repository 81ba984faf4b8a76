import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { matchesLabels, parseLabelSelector } from '../core/domain/label-selector.js';
import type { NamespacedName } from '../core/domain/object-key.js';
import type { PageEntry } from '../core/ports/page-directory.js';
import type { Secret } from '../core/secrets/secret.js';
import type { Access, Authenticator, Authorizer, Caller } from './ports.js';

/**
 * A Secret of type `messenger-operator.dev/bot-key`: what a bot authenticates with where there are
 * no ServiceAccounts.
 */
export interface BotKey {
  readonly owner: NamespacedName;
  readonly key: Secret;
  /**
   * Label selector of the pages, of the Secret's own namespace, that the bot may read. undefined:
   * none.
   */
  readonly pages: string | undefined;
}

export interface BotKeysDeps {
  /** The keys as they are now. */
  readonly keys: () => readonly BotKey[];
  /** A page's labels; undefined when there is no such page. */
  readonly labelsOf: (page: NamespacedName) => Readonly<Record<string, string>> | undefined;
}

/** Shorter keys can be guessed, so they are not accepted. */
const MIN_KEY_LENGTH = 16;
const PREFIX = 'bot-key:';

/**
 * Who may read what in standalone: a bot may list, get and fetch the tokens of the pages that its
 * key's selector names, in the namespace of the key. Answers from memory; give the server
 * `authFreshMs: 0` and no audience with it.
 */
export function createBotKeyAccess({ keys, labelsOf }: BotKeysDeps): {
  readonly authenticator: Authenticator;
  readonly authorizer: Authorizer;
} {
  const hmacKey = randomBytes(32);
  const digest = (secret: Secret): Buffer => createHmac('sha256', hmacKey).update(secret.reveal()).digest();
  const keyOf = (caller: Caller): BotKey | undefined => keys().find(({ owner }) => nameOf(owner) === caller.username);

  return {
    authenticator: {
      authenticate: (token) => {
        const given = digest(token);
        // Every key is compared, so that the time says nothing about which one it was.
        const matches = keys().filter(({ key }) => timingSafeEqual(digest(key), given) && key.reveal().length >= MIN_KEY_LENGTH);
        const [match] = matches;
        return Promise.resolve(match === undefined ? undefined : { username: nameOf(match.owner), groups: [] });
      },
    },
    authorizer: {
      authorize: (caller, access) => {
        const key = keyOf(caller);
        return Promise.resolve(key !== undefined && isAllowed(key, access, labelsOf));
      },
      sees: (caller, entry) => {
        const key = keyOf(caller);
        return key !== undefined && selects(key, entry.owner.namespace, entry.labels);
      },
    },
  };
}

function nameOf({ namespace, name }: NamespacedName): string {
  return `${PREFIX}${namespace}/${name}`;
}

function isAllowed(key: BotKey, access: Access, labelsOf: BotKeysDeps['labelsOf']): boolean {
  const { verb, namespace, name } = access;
  // What is listed is cut down to what the key names: see `sees`.
  if (verb === 'list') return namespace === undefined || namespace === key.owner.namespace;
  if (verb !== 'get' || namespace === undefined || name === undefined) return false;
  const labels = labelsOf({ namespace, name });
  return labels !== undefined && selects(key, namespace, labels);
}

function selects(key: BotKey, namespace: string, labels: PageEntry['labels']): boolean {
  if (key.pages === undefined || namespace !== key.owner.namespace) return false;
  const selector = parseLabelSelector(key.pages);
  return selector.ok && matchesLabels(selector.requirements, labels);
}
