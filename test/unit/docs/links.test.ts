import { existsSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { anchorsOf, markdownFiles, read, relativeLinks } from './markdown.js';

describe('the links of the documentation', () => {
  it.each(markdownFiles())('%s leads to files and headings that exist', (page) => {
    const dead = relativeLinks(page, read(page)).filter(({ path, anchor }) => {
      if (!existsSync(path)) return true;
      return anchor !== undefined && path.endsWith('.md') && !anchorsOf(read(path)).has(anchor);
    });

    expect(dead.map(({ line, target }) => `line ${String(line)}: ${target}`)).toEqual([]);
  });

  it('are found with their anchors, and not in code', () => {
    const text = '# A\n[x](b.md#c-d) `[no](no.md)` [site](https://example.com) [here](#a)\n```\n[no](no.md)\n```\n[y](../z/)';

    expect(relativeLinks('docs/p.md', text)).toEqual([
      { line: 2, target: 'b.md#c-d', path: 'docs/b.md', anchor: 'c-d' },
      { line: 2, target: '#a', path: 'docs/p.md', anchor: 'a' },
      { line: 6, target: '../z/', path: 'z/', anchor: undefined },
    ]);
  });

  it('know a heading by the anchor that forges make of it', () => {
    const text = "## `spec.pageId`\n## What a bot's answer means\n## Same\n## Same\n```\n# no heading\n```\n## A, B & [C](d.md)";

    expect([...anchorsOf(text)]).toEqual(['specpageid', 'what-a-bots-answer-means', 'same', 'same-1', 'a-b--c']);
  });
});
