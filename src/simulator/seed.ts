import { parse } from 'yaml';
import { isRecord } from '../kit/narrow.js';
import type { AppSpec, PageSpec, SimulatorControl, TokenSpec } from './control.js';
import type { SimConfig } from './model.js';

/** What a simulator can start with. */
export interface Seed {
  readonly apps: readonly AppSpec[];
  readonly pages: readonly PageSpec[];
  readonly tokens: readonly TokenSpec[];
  readonly subscriptions: readonly { readonly appId: string; readonly pageId: string; readonly fields: readonly string[] }[];
  readonly appSubscriptions: readonly {
    readonly appId: string;
    readonly object?: string;
    readonly callbackUrl: string;
    readonly fields: readonly string[];
  }[];
  readonly config: Partial<SimConfig>;
}

const LISTS = ['apps', 'pages', 'tokens', 'subscriptions', 'appSubscriptions'] as const;
const MAX_SEED = 16 * 1024 * 1024;

/**
 * Reads a seed file, YAML or JSON. Ids have to be quoted: as numbers they would lose digits.
 * @throws RangeError that names what is wrong with it.
 */
export function parseSeed(text: string): Seed {
  if (text.length > MAX_SEED) throw new RangeError('the seed is larger than 16 MiB');
  const raw: unknown = parse(text);
  if (!isRecord(raw)) throw new RangeError('a seed is an object with apps, pages and tokens');
  return seedOf(raw);
}

/** The same for a seed that is an object already. */
export function seedOf(raw: Readonly<Record<string, unknown>>): Seed {
  const problems = Object.keys(raw)
    .filter((key) => key !== 'config' && !LISTS.some((list) => list === key))
    .map((key) => `unknown key "${key}"`);
  for (const key of LISTS) {
    if (raw[key] !== undefined && !Array.isArray(raw[key])) problems.push(`${key} has to be a list`);
    else problems.push(...itemProblems(key, (raw[key] ?? []) as readonly unknown[]));
  }
  if (problems.length > 0) throw new RangeError(`seed: ${problems.join('; ')}`);
  const lists = Object.fromEntries(LISTS.map((key) => [key, raw[key] ?? []]));
  return { ...lists, config: raw['config'] ?? {} } as unknown as Seed;
}

function itemProblems(list: string, items: readonly unknown[]): readonly string[] {
  return items.flatMap((item, index) => {
    if (typeof item !== 'object' || item === null) return [`${list}[${index}] has to be an object`];
    const ids = Object.entries(item).filter(([key, value]) => /^(id|appId|pageId|userId)$/.test(key) && typeof value !== 'string');
    return ids.map(([key]) => `${list}[${index}].${key} has to be in quotes`);
  });
}

/** Makes everything that the seed names. */
export function applySeed(seed: Seed, control: SimulatorControl): void {
  control.config(seed.config);
  for (const app of seed.apps) control.makeApp(app);
  for (const page of seed.pages) control.makePage(page);
  for (const token of seed.tokens) control.makeToken(token);
  for (const { appId, pageId, fields } of seed.subscriptions) control.setFields(appId, pageId, fields);
  for (const { appId, object = 'page', ...row } of seed.appSubscriptions) control.setAppSubscription(appId, object, row);
}
