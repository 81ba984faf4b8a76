import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { APP_REASONS, PAGE_REASONS, READY_REASONS } from '../../../src/api/v1alpha1/conditions.js';
import { fieldsOf, readCrds } from './crd-files.js';

const PAGES = { MessengerApp: 'docs/spec/messenger-app.md', MessengerPage: 'docs/spec/messenger-page.md' } as const;
type Kind = keyof typeof PAGES;
const KINDS = Object.keys(PAGES) as readonly Kind[];

const REASONS: Readonly<Record<Kind, Readonly<Record<string, readonly string[]>>>> = {
  MessengerApp: { ...APP_REASONS, Ready: READY_REASONS },
  MessengerPage: { ...PAGE_REASONS, Ready: READY_REASONS },
};

/**
 * `spec.backend.url` and so on; without items, and without the parts of a condition, which are
 * Kubernetes' own.
 */
function fieldPathsOf(kind: Kind): readonly string[] {
  const crd = readCrds().find((one) => one.kind === kind);
  if (crd === undefined) throw new Error(`no CRD of ${kind}`);
  return fieldsOf(crd.version.schema.openAPIV3Schema)
    .map(({ path }) => path.replaceAll(/\[\]|\{\}/g, ''))
    .filter((path) => /^(spec|status)\./.test(path) && !path.startsWith('status.conditions.'));
}

/** path of the heading → the text below it */
function sectionsOf(kind: Kind): ReadonlyMap<string, string> {
  const parts = readFileSync(PAGES[kind], 'utf8').split(/^#+ /m);
  return new Map(
    parts.flatMap((part) => {
      const [, path] = /^`((?:spec|status)\.\S+)`\n/.exec(part) ?? [];
      return path === undefined ? [] : [[path, part.slice(part.indexOf('\n'))] as const];
    }),
  );
}

/** A field has a heading of its own, or the heading of the nearest field above it speaks of it. */
function isDocumented(path: string, sections: ReadonlyMap<string, string>): boolean {
  if (sections.has(path)) return true;
  const names = path.split('.');
  const leaf = names.at(-1) ?? '';
  for (let length = names.length - 1; length > 1; length -= 1) {
    const section = sections.get(names.slice(0, length).join('.'));
    if (section !== undefined) return section.includes(`\`${leaf}\``);
  }
  return false;
}

/** The rows of the table of reasons: condition, reason, meaning, fix, Stalled, what wakes it. */
function reasonRowsOf(kind: Kind): readonly (readonly string[])[] {
  const [, table = ''] = readFileSync(PAGES[kind], 'utf8').split('\n## Reasons\n');
  return [...table.matchAll(/^\| `.*\|$/gm)].map(([row]) =>
    row
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim()),
  );
}

describe.each(KINDS)('the page of %s', (kind) => {
  const sections = sectionsOf(kind);

  it('documents every field', () => {
    const missing = fieldPathsOf(kind).filter((path) => !isDocumented(path, sections));

    expect(missing).toEqual([]);
  });

  it('has no heading for a field that is not there', () => {
    const fields = new Set(fieldPathsOf(kind));

    expect([...sections.keys()].filter((path) => !fields.has(path))).toEqual([]);
  });

  it('explains every reason of every condition, and no other', () => {
    const wanted = Object.entries(REASONS[kind]).flatMap(([condition, reasons]) =>
      reasons.map((reason) => `\`${condition}\` \`${reason}\``),
    );

    expect(reasonRowsOf(kind).map(([condition, reason]) => `${condition ?? ''} ${reason ?? ''}`)).toEqual(wanted);
  });

  it('says of each reason what it means, what to do and whether it is Stalled', () => {
    const incomplete = reasonRowsOf(kind).filter((cells) => cells.length !== 6 || cells.slice(2, 5).some((cell) => cell.length < 2));

    expect(incomplete).toEqual([]);
  });
});
