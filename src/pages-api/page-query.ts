import { parseLabelSelector, type LabelRequirement } from '../core/domain/label-selector.js';
import type { NamespacedName } from '../core/domain/object-key.js';

/** Query parameters as they came: a repeated one is an array. */
export type RawQuery = Readonly<Record<string, unknown>>;

/** What a list is asked for. */
export interface ListQuery {
  readonly namespace: string | undefined;
  readonly requirements: readonly LabelRequirement[];
  readonly limit: number;
  /** The last page of the part before. */
  readonly after: NamespacedName | undefined;
}

export type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: string };

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 500;
const ID = /^[0-9]{1,20}$/;
const NAMESPACE = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const WHOLE_NUMBER = /^[1-9][0-9]{0,5}$/;

/** Whether a text can be a page's or an app's id. */
export function isGraphId(text: string): boolean {
  return ID.test(text);
}

/** `appId`, if it was given. */
export function parseAppId(query: RawQuery): Parsed<string | undefined> {
  const appId = query['appId'];
  if (appId === undefined) return { ok: true, value: undefined };
  if (typeof appId === 'string' && isGraphId(appId)) return { ok: true, value: appId };
  return { ok: false, problem: 'appId must be 1 to 20 digits, given once' };
}

/** The parameters of a list. Unknown ones are ignored. */
export function parseListQuery(query: RawQuery): Parsed<ListQuery> {
  const texts: Record<string, string | undefined> = {};
  for (const name of ['namespace', 'labelSelector', 'limit', 'continue']) {
    const value = query[name];
    if (value !== undefined && typeof value !== 'string') return { ok: false, problem: `${name} may be given once` };
    // An empty parameter is one that a client left out.
    texts[name] = value === '' ? undefined : value;
  }
  const { namespace, limit = String(DEFAULT_LIMIT) } = texts;
  if (namespace !== undefined && !NAMESPACE.test(namespace)) return { ok: false, problem: 'namespace must be the name of a namespace' };
  if (!WHOLE_NUMBER.test(limit)) return { ok: false, problem: 'limit must be a whole number from 1' };
  return withSelector(texts, { namespace, limit: Math.min(MAX_LIMIT, Number(limit)) });
}

function withSelector(
  texts: Readonly<Record<string, string | undefined>>,
  rest: Pick<ListQuery, 'namespace' | 'limit'>,
): Parsed<ListQuery> {
  const selector = parseLabelSelector(texts['labelSelector'] ?? '');
  if (!selector.ok) return selector;
  const given = texts['continue'];
  const after = given === undefined ? undefined : decodeContinue(given);
  if (given !== undefined && after === undefined) return { ok: false, problem: 'continue must be what the list before it gave' };
  return { ok: true, value: { ...rest, requirements: selector.requirements, after } };
}

/** Where the next part of a list begins, as an opaque text. */
export function encodeContinue({ namespace, name }: NamespacedName): string {
  return Buffer.from(`${namespace}/${name}`).toString('base64url');
}

function decodeContinue(text: string): NamespacedName | undefined {
  if (text.length > 512) return undefined;
  const [namespace, name, ...rest] = Buffer.from(text, 'base64url').toString('utf8').split('/');
  return namespace === undefined || name === undefined || name === '' || rest.length > 0 ? undefined : { namespace, name };
}
