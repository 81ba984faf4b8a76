import { globSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { markdownFiles, read } from './markdown.js';

/** Phrases that a native technical writer would not use, and what to write. */
const BANNED: readonly (readonly [RegExp, string])[] = [
  [/\b(?:comes?|came|coming) again\b/i, 'retries, reconnects, is sent again'],
  [/\b(?:is|are|was|were|be|been) told\b/i, 'gets, receives, is reported, is logged'],
  [/\bto be had\b/i, 'available'],
  [/\bwhoever\b/i, 'a user who, the process that'],
  [/\bin words\b/i, 'a message'],
  [/\b(?:no|some)body\b/i, 'name the person or the process: a user, another process, no replica'],
  [/\bnothing in the way\b/i, 'say what does not block'],
  [/\b(?:gave|gives?|given) an? \w+ up\b/i, 'dropped'],
];

/** Comments, messages and log lines are held to it as well. */
const CODE = globSync(['src/**/*.ts', 'test/support/**/*.ts']);

/**
 * Everything that a user reads besides what the operator prints; the references hold the texts of
 * flags, metrics and errors.
 */
const TEXTS = [
  ...markdownFiles(),
  ...globSync('{crds,deploy,charts,.github}/**/*.{yaml,yml,txt,tpl}'),
  'Makefile',
  'src/config/commands.ts',
  'src/config/simulator-usage.ts',
];

describe('what users read', () => {
  it.each(TEXTS)('%s is in plain English', (path) => {
    expect(found(read(path))).toEqual([]);
  });

  it.each(CODE)('%s is in plain English', (path) => {
    expect(foundIn(read(path))).toEqual([]);
  });

  it('names the line and what to write instead', () => {
    expect(found('fine, "somebody"\nMeta is told to come again\n')).toEqual([
      'line 2: "come again": retries, reconnects, is sent again',
      'line 2: "is told": gets, receives, is reported, is logged',
    ]);
  });
});

/** Quotations and code are left out: they may hold a name of the past. */
function found(text: string): string[] {
  return foundIn(text.replaceAll(/"[^"\n]*"|`[^`\n]*`/g, '…'));
}

function foundIn(text: string): string[] {
  return text.split('\n').flatMap((line, index) =>
    BANNED.flatMap(([pattern, instead]) => {
      const match = pattern.exec(line);
      return match === null ? [] : [`line ${String(index + 1)}: "${match[0]}": ${instead}`];
    }),
  );
}
