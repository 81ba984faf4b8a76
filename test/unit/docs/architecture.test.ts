import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { describe, expect, it } from '@jest/globals';

const { MAY_IMPORT, MAY_ALSO_IMPORT } = createRequire(import.meta.url)('../../../.dependency-cruiser.cjs') as Readonly<
  Record<'MAY_IMPORT' | 'MAY_ALSO_IMPORT', Readonly<Record<string, readonly string[]>>>
>;

/** folder → what it may import, as ARCHITECTURE.md's table says; undefined for "everything". */
function tableOf(markdown: string): Map<string, readonly string[] | undefined> {
  const rows = markdown.matchAll(/^\| `src\/([a-z0-9-]+)` *\|[^|]*\|([^|]+)\|$/gm);
  return new Map(
    [...rows].map(([, folder = '', imports = '']) => {
      const text = imports.trim();
      if (text === 'everything') return [folder, undefined];
      return [folder, text === 'nothing' ? [] : text.split(', ')];
    }),
  );
}

describe('ARCHITECTURE.md', () => {
  const table = tableOf(readFileSync('ARCHITECTURE.md', 'utf8'));

  it('has the import rules that the linter enforces, and no other', () => {
    const ruled = Object.fromEntries([...table].filter(([, imports]) => imports !== undefined));
    const rules = Object.entries(MAY_IMPORT).map(([folder, others]) => [folder, [...others, ...(MAY_ALSO_IMPORT[folder] ?? [])]]);
    expect(ruled).toEqual(Object.fromEntries(rules));
  });

  it('names every folder of src, and none that is not there', () => {
    const folders = readdirSync('src', { withFileTypes: true }).filter((entry) => entry.isDirectory());
    expect([...table.keys()].sort()).toEqual(folders.map(({ name }) => name).sort());
  });
});
