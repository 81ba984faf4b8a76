import type { FieldProblem } from './schema-problems.js';

/** What a Secret or ConfigMap holds. */
export interface DataContent {
  readonly type: string | undefined;
  readonly data: ReadonlyMap<string, Uint8Array>;
}

export type DataResult = { readonly content: DataContent } | { readonly problems: readonly FieldProblem[] };

const KEY = /^[-._a-zA-Z0-9]{1,253}$/;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
/** The API server's own bound. */
const MAX_BYTES = 1_048_576;

type Decode = (text: string) => Uint8Array | undefined;

const plain: Decode = (text) => Buffer.from(text, 'utf8');
const base64: Decode = (text) => {
  const bare = text.replace(/[\r\n]/g, '');
  return BASE64.test(bare) ? Buffer.from(bare, 'base64') : undefined;
};

/** `stringData` wins over `data`, as in the API server. A value is never repeated in a problem. */
export function secretContent(object: Readonly<Record<string, unknown>>): DataResult {
  const { type } = object;
  if (type !== undefined && typeof type !== 'string') return { problems: [{ field: 'type', message: 'must be text' }] };
  return content(type ?? 'Opaque', [
    ['data', object['data'], base64, 'must be base64; write plain text under stringData instead'],
    ['stringData', object['stringData'], plain, ''],
  ]);
}

export function configMapContent(object: Readonly<Record<string, unknown>>): DataResult {
  return content(undefined, [
    ['data', object['data'], plain, ''],
    ['binaryData', object['binaryData'], base64, 'must be base64'],
  ]);
}

type Part = readonly [field: string, map: unknown, decode: Decode, complaint: string];

function content(type: string | undefined, parts: readonly Part[]): DataResult {
  const data = new Map<string, Uint8Array>();
  const problems: FieldProblem[] = [];
  for (const part of parts) problems.push(...take(part, data));
  const bytes = [...data.values()].reduce((sum, value) => sum + value.length, 0);
  if (bytes > MAX_BYTES) problems.push({ field: 'data', message: `must have at most ${MAX_BYTES} bytes together` });
  return problems.length > 0 ? { problems } : { content: { type, data } };
}

function take([field, map, decode, complaint]: Part, data: Map<string, Uint8Array>): readonly FieldProblem[] {
  if (map === undefined || map === null) return [];
  if (typeof map !== 'object' || Array.isArray(map)) return [{ field, message: 'must be a map of keys to text' }];
  return Object.entries(map).flatMap(([key, value]: [string, unknown]): readonly FieldProblem[] => {
    const name = `${field}["${key}"]`;
    if (!KEY.test(key)) return [{ field, message: 'has a key with other characters than letters, digits, "-", "_" and "."' }];
    if (typeof value !== 'string') return [{ field: name, message: 'must be text; put it in quotes' }];
    const bytes = decode(value);
    if (bytes === undefined) return [{ field: name, message: complaint }];
    data.set(key, bytes);
    return [];
  });
}
