import { type Document, isMap, LineCounter, parseAllDocuments } from 'yaml';
import { isRecord } from '../kit/narrow.js';
import type { Problem } from './problem.js';

/** One object of a file, not judged yet. */
export interface ManifestDocument {
  readonly file: string;
  /** 1 for the first one of the file. */
  readonly document: number;
  readonly line: number;
  readonly value: Readonly<Record<string, unknown>>;
}

export interface ManifestFile {
  readonly documents: readonly ManifestDocument[];
  /**
   * Not empty: the file does not parse, and nothing may be concluded from what it seems to leave
   * out.
   */
  readonly problems: readonly Problem[];
}

const MAX_DOCUMENTS = 50_000;
/** Aliases may multiply a small file into gigabytes. */
const MAX_ALIASES = 100;

/** Takes a manifest file apart: several documents, `kind: List` included. Never throws. */
export function parseManifests(file: string, text: string): ManifestFile {
  if (text.includes('\0')) return failed({ file, message: 'is not a text file' });
  return file.endsWith('.json') ? parseJson(file, text) : parseYaml(file, text);
}

function parseJson(file: string, text: string): ManifestFile {
  try {
    return collect(file, [{ line: 1, value: JSON.parse(text.replace(/^\uFEFF/, '')) as unknown }]);
  } catch {
    // The parser's own message repeats the text around the error, which may be a secret.
    return failed({ file, message: 'is not valid JSON' });
  }
}

function parseYaml(file: string, text: string): ManifestFile {
  const lineCounter = new LineCounter();
  const parsed = parseAllDocuments(text, { lineCounter, merge: true, prettyErrors: false });
  const documents: readonly Document[] = Array.isArray(parsed) ? parsed : [];
  if (documents.length > MAX_DOCUMENTS) {
    return failed({ file, message: `has ${documents.length} documents, and the limit is ${MAX_DOCUMENTS}: split it into several files` });
  }
  const problems: Problem[] = [];
  const values = documents.flatMap((document, i) => {
    const lineOf = (offset: number | undefined): number => lineCounter.linePos(offset ?? 0).line;
    const [error] = document.errors;
    if (error !== undefined) {
      problems.push({ file, document: i + 1, line: lineOf(error.pos[0]), message: `is not valid YAML: ${yamlError(error.code)}` });
      return [];
    }
    const value = valueOf(document);
    if (value instanceof Error) problems.push({ file, document: i + 1, message: 'has too many aliases' });
    return [{ line: lineOf(isMap(document.contents) ? document.contents.range?.[0] : document.range?.[0]), value }];
  });
  return problems.length > 0 ? { documents: [], problems } : collect(file, values);
}

function valueOf(document: Document): unknown {
  try {
    return document.toJS({ maxAliasCount: MAX_ALIASES }) as unknown;
  } catch (error) {
    return error instanceof Error ? error : new Error('not a value');
  }
}

/**
 * `DUPLICATE_KEY` → `duplicate key`. The message of the parser may repeat the text, the code never
 * does.
 */
function yamlError(code: string): string {
  return code.toLowerCase().replaceAll('_', ' ');
}

function collect(file: string, values: readonly { readonly line: number; readonly value: unknown }[]): ManifestFile {
  const documents: ManifestDocument[] = [];
  const problems: Problem[] = [];
  for (const [i, { line, value }] of values.entries()) {
    if (value === null || value === undefined) continue;
    const place = { file, document: i + 1, line };
    for (const item of listItems(value)) {
      if (isRecord(item)) documents.push({ ...place, value: item });
      else problems.push({ ...place, message: 'is not an object with apiVersion, kind and metadata' });
    }
  }
  return problems.length > 0 ? { documents: [], problems } : { documents, problems };
}

function listItems(value: unknown): readonly unknown[] {
  if (isRecord(value) && value['kind'] === 'List' && Array.isArray(value['items'])) return value['items'] as unknown[];
  return [value];
}

function failed(problem: Problem): ManifestFile {
  return { documents: [], problems: [problem] };
}
