import { parse } from 'yaml';
import type { MessengerPage } from '../api/v1alpha1/types.gen.js';
import { isRecord } from '../kit/narrow.js';
import type { NamespacedName } from '../core/domain/object-key.js';
import { inlineProblem, jsonOf } from '../core/domain/free-form.js';
import { botConfigMapKey } from '../relations/relations.js';
import type { DataState } from '../runtime/ports.js';

/**
 * A page's settings for its bot. `problem`: why they are empty though the page names some, in a
 * sentence for the log.
 */
export interface BotConfig {
  readonly config: Readonly<Record<string, unknown>>;
  readonly problem: string | undefined;
}

/** Of the text in a ConfigMap, and of what it is as JSON. */
const MAX_BYTES = 65_536;

/** Read once for each version of a ConfigMap, however many pages refer to it. */
const parsedBefore = new WeakMap<Uint8Array, BotConfig>();

/**
 * The settings of a page; those out of a ConfigMap are one object in JSON or YAML. Never throws.
 */
export function botConfigOf(page: MessengerPage, configMap: (key: NamespacedName) => DataState): BotConfig {
  const { inline, configMapRef } = page.spec.botConfig ?? {};
  const key = botConfigMapKey(page);
  if (key === undefined || configMapRef === undefined) return inlineConfig(inline);
  const state = configMap(key);
  if (state.kind === 'unknown') return { config: {}, problem: undefined };
  if (state.kind === 'absent') return empty('the ConfigMap does not exist');
  const raw = state.data.get(configMapRef.key);
  if (raw === undefined) return empty('the ConfigMap has no such key');
  const before = parsedBefore.get(raw);
  if (before !== undefined) return before;
  const config = parsed(raw);
  parsedBefore.set(raw, config);
  return config;
}

function inlineConfig(inline: BotConfig['config'] | undefined): BotConfig {
  const problem = inlineProblem(inline);
  return problem === undefined ? { config: inline ?? {}, problem } : empty(`spec.botConfig.inline ${problem}`);
}

function parsed(raw: Uint8Array): BotConfig {
  if (raw.byteLength > MAX_BYTES) return empty(`the ConfigMap's text has more than ${MAX_BYTES} bytes`);
  const json = jsonOf(parseText(Buffer.from(raw).toString('utf8')));
  if (json === undefined) return empty('the ConfigMap does not hold JSON or YAML, uses YAML aliases, or is nested too deeply');
  if (Buffer.byteLength(json) > MAX_BYTES) return empty(`the ConfigMap's settings have more than ${MAX_BYTES} bytes as JSON`);
  const value: unknown = JSON.parse(json);
  if (!isRecord(value)) return empty('the ConfigMap does not hold one object');
  return { config: value, problem: undefined };
}

/**
 * JSON is YAML, but not to every parser: JSON first. What YAML knows and JSON does not (dates, NaN)
 * is left to JSON.
 */
function parseText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    try {
      // An alias may repeat what it names for ever. Comparing each key with all others takes
      // seconds for thousands of them.
      return parse(text, { maxAliasCount: 0, uniqueKeys: false, logLevel: 'error' });
    } catch {
      return undefined;
    }
  }
}

function empty(problem: string): BotConfig {
  return { config: {}, problem };
}
