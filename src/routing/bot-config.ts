import { parse } from 'yaml';
import type { MessengerPage } from '../api/v1alpha1/types.gen.js';
import type { NamespacedName } from '../core/domain/object-key.js';
import { botConfigMapKey } from '../relations/relations.js';
import type { DataState } from '../runtime/ports.js';

/** A page's settings for its bot. `problem`: why they are empty though the page names some, in a sentence for the log. */
export interface BotConfig {
  readonly config: Readonly<Record<string, unknown>>;
  readonly problem: string | undefined;
}

const MAX_BYTES = 65_536;
/** A YAML alias may repeat what it names for ever: as many as a config needs, too few for a bomb. */
const MAX_ALIASES = 50;

/** The settings of a page; those out of a ConfigMap are one object in JSON or YAML. Never throws. */
export function botConfigOf(page: MessengerPage, configMap: (key: NamespacedName) => DataState): BotConfig {
  const { inline, configMapRef } = page.spec.botConfig ?? {};
  const key = botConfigMapKey(page);
  if (key === undefined || configMapRef === undefined) return { config: inline ?? {}, problem: undefined };
  const state = configMap(key);
  if (state.kind === 'unknown') return { config: {}, problem: undefined };
  if (state.kind === 'absent') return empty('the ConfigMap does not exist');
  const raw = state.data.get(configMapRef.key);
  return raw === undefined ? empty('the ConfigMap has no such key') : parsed(raw);
}

function parsed(raw: Uint8Array): BotConfig {
  if (raw.byteLength > MAX_BYTES) return empty(`it has more than ${MAX_BYTES} bytes`);
  const value = parseText(Buffer.from(raw).toString('utf8'));
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return empty('it is not one object in JSON or YAML');
  return { config: value as Readonly<Record<string, unknown>>, problem: undefined };
}

/** JSON is YAML, but not to every parser: JSON first. undefined for neither. */
function parseText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    try {
      // What YAML knows and JSON does not (dates, NaN) becomes what JSON makes of it.
      return JSON.parse(JSON.stringify(parse(text, { maxAliasCount: MAX_ALIASES, logLevel: 'error' })));
    } catch {
      return undefined;
    }
  }
}

function empty(problem: string): BotConfig {
  return { config: {}, problem };
}
