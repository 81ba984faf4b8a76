import { spawnSync } from 'node:child_process';
import { existsSync, globSync, readdirSync } from 'node:fs';
import { basename } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { markdownFiles, read } from './markdown.js';

describe('make', () => {
  it('prints every target with what it needs and how long it takes', () => {
    const targets = /^\.PHONY: (.+)$/m.exec(read('Makefile'))?.[1]?.split(' ') ?? [];
    const { stdout, status } = spawnSync('make', { encoding: 'utf8', env: { PATH: process.env['PATH'] } });
    const printed = [...stdout.matchAll(/^ {2}(\S+) +\S.*\n +needs: \S.*; takes: \S.*$/gm)].map(([, target]) => target);

    expect(status).toBe(0);
    expect(printed.sort()).toEqual(targets.sort());
  });
});

describe('test/README.md', () => {
  it('names every folder of test/, and no other', () => {
    const named = [...read('test/README.md').matchAll(/^\| `([a-z0-9-]+)`/gm)].map(([, name]) => name);
    const folders = readdirSync('test', { withFileTypes: true }).filter((entry) => entry.isDirectory());

    expect(named.sort()).toEqual(folders.map(({ name }) => name).sort());
  });
});

describe('docs/adr/README.md', () => {
  it('lists every decision once, in order', () => {
    const listed = [...read('docs/adr/README.md').matchAll(/^\| \[(\d{4})\]\((\1-[^)]+\.md)\)/gm)].map(([, , file]) => file);

    expect(listed).toEqual(globSync('[0-9]*.md', { cwd: 'docs/adr' }).sort());
  });

  it.each(globSync('docs/adr/[0-9]*.md'))('%s has the parts of the template', (page) => {
    const parts = [...read(page).matchAll(/^\*\*(\w+)\.\*\*/gm)].map(([, part]) => part);

    expect(parts.slice(0, 2)).toEqual(['Context', 'Decision']);
    expect(['Alternatives', 'Consequences']).toEqual(expect.arrayContaining(parts.slice(2)));
  });
});

/** Where the documentation names a path of ours: from its root, in code. */
const OURS = /`((?:\.github|src|crds|charts|deploy|scripts|docs|examples|test)\/[^`\s]*)`/g;

describe('the paths that the documentation names', () => {
  // A decision, and a change, speak of the files of their day.
  const pages = markdownFiles().filter((page) => page !== 'CHANGELOG.md' && !/^docs\/adr\/\d/.test(page));

  it.each(pages)('%s names none that does not exist', (page) => {
    const named = [...read(page).matchAll(OURS)].map(([, path = '']) => path);

    expect(named.filter((path) => pathsLike(path).length === 0)).toEqual([]);
  });

  it('may hold *, {a,b} and a placeholder such as <name>', () => {
    expect(pathsLike('src/config/flags/*.ts').length).toBeGreaterThan(1);
    expect(pathsLike('src/{kit,no-such-folder}').length).toBe(1);
    expect(pathsLike('src/controller/<kind>/reconciler.ts').length).toBeGreaterThan(1);
    expect(pathsLike('src/controller/<kind>/no-such-file.ts')).toEqual([]);
  });
});

describe('docs/security.md', () => {
  const lines = read('docs/security.md').split('\n');

  /** The rows of every table whose last column holds tests, as their cells. */
  const promises = lines.flatMap((line, index) => {
    if (!/^\| what holds +\| test +\|$/.test(line)) return [];
    const rows = lines.slice(index + 2);
    return rows.slice(0, rows.indexOf('')).map((row) => row.split(' | '));
  });

  it('has a table of what holds for each actor', () => {
    const actors = lines.filter((line) => line.startsWith('### ')).length;
    const tables = lines.filter((line) => line.startsWith('| what holds')).length;

    expect(actors).toBeGreaterThanOrEqual(8);
    expect(tables).toBe(actors);
  });

  it('names for each line of what holds tests that exist', () => {
    expect(promises.length).toBeGreaterThan(40);
    const unproven = promises.filter(([, tests = '']) => {
      const named = [...tests.matchAll(/`(test\/[^`]+)`/g)].map(([, path = '']) => path);
      return named.length === 0 || named.some((path) => !path.endsWith('.test.ts') || !existsSync(path));
    });

    expect(unproven).toEqual([]);
  });
});

describe('src', () => {
  it("has every interface of an observer in its folder's observer.ts", () => {
    const files = globSync('src/**/*.ts').filter((file) => /^export (?:interface|type) \w*Observer\b/m.test(read(file)));

    expect(files.length).toBeGreaterThan(0);
    expect(files.filter((file) => basename(file) !== 'observer.ts')).toEqual([]);
  });
});

function pathsLike(path: string): string[] {
  if (existsSync(path)) return [path];
  return globSync(path.replaceAll(/<[^>]+>/g, '*'));
}
