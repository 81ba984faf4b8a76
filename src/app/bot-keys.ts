import { BOT_KEY_SECRET_TYPE } from '../api/v1alpha1/constants.js';
import { parseKey } from '../core/domain/object-key.js';
import { secretValue } from '../core/secrets/secret-value.js';
import type { Secret } from '../core/secrets/secret.js';
import type { FolderData } from '../folder/folder-data.js';
import type { BotKey } from '../pages-api/bot-keys.js';

/**
 * The bots' keys among the Secrets of the folder: those of type `messenger-operator.dev/bot-key`.
 * Always up to date.
 */
export function botKeysOf(secrets: Pick<FolderData, 'list' | 'subscribe'>, learn: (secret: Secret) => void): () => readonly BotKey[] {
  let known: readonly BotKey[] | undefined;
  secrets.subscribe(() => {
    known = undefined;
  });
  return () => {
    if (known !== undefined) return known;
    known = secrets.list().flatMap(([text, { type, data }]) => {
      const raw = data.get('key');
      const key = type === BOT_KEY_SECRET_TYPE && raw !== undefined ? secretValue('bot-key', raw) : undefined;
      if (key?.ok !== true) return [];
      learn(key.secret);
      const pages = data.get('pages');
      return [
        { owner: parseKey(text), key: key.secret, pages: pages === undefined ? undefined : Buffer.from(pages).toString('utf8').trim() },
      ];
    });
    return known;
  };
}
