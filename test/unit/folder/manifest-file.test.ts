import { describe, expect, it } from '@jest/globals';
import { parseManifests } from '../../../src/folder/manifest-file.js';

describe('parseManifests', () => {
  it('reads several documents, and leaves out the empty ones', () => {
    const { documents, problems } = parseManifests('a.yaml', '---\nkind: A\n---\n# nothing\n---\nkind: B\n');

    expect(problems).toEqual([]);
    expect(documents.map(({ document, line, value }) => [document, line, value['kind']])).toEqual([
      [1, 2, 'A'],
      [3, 6, 'B'],
    ]);
  });

  it('opens a List', () => {
    const { documents } = parseManifests(
      'a.json',
      JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [{ kind: 'A' }, { kind: 'B' }] }),
    );
    expect(documents.map(({ value }) => value['kind'])).toEqual(['A', 'B']);
  });

  it('follows merge keys', () => {
    const { documents } = parseManifests('a.yaml', 'base: &base {x: 1}\nmine: {<<: *base, y: 2}\n');
    expect(documents[0]?.value['mine']).toEqual({ x: 1, y: 2 });
  });

  it.each<[string, string, string, string]>([
    ['YAML that does not parse', 'a.yaml', 'kind: A\n---\nkind: [B\n', 'is not valid YAML'],
    ['a key twice', 'a.yaml', 'kind: A\nkind: B\n', 'is not valid YAML: duplicate key'],
    ['JSON that does not parse', 'a.json', '{"kind":', 'is not valid JSON'],
    ['a bare text', 'a.yaml', 'hello', 'is not an object'],
    ['a binary file', 'a.yaml', 'a\0b', 'is not a text file'],
    [
      'aliases that multiply',
      'a.yaml',
      `a: &a [1,1,1,1,1,1,1,1,1]\nb: &b [${'*a,'.repeat(9)}1]\nc: &c [${'*b,'.repeat(9)}1]\nd: [${'*c,'.repeat(9)}1]\n`,
      'too many aliases',
    ],
  ])('takes nothing from a file with %s', (_, file, text, message) => {
    const { documents, problems } = parseManifests(file, text);

    expect(documents).toEqual([]);
    expect(problems[0]).toMatchObject({ file, message: expect.stringContaining(message) });
  });

  it('does not repeat the text around an error', () => {
    const canary = 'EAAcanaryCanaryCanary';
    const broken = [`token: [${canary}\n`, `token: ${canary}: x: y\n`, `"${canary}\n`, `- ${canary}\n${canary}\n`];
    for (const text of broken) expect(JSON.stringify(parseManifests('a.yaml', text).problems)).not.toContain(canary);
    expect(JSON.stringify(parseManifests('a.json', `{"token": ${canary}`).problems)).not.toContain(canary);
  });
});
