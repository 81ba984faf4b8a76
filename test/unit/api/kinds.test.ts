import { readdirSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { type Kind, kindNamed, KINDS, PAGES } from '../../../src/api/kinds.js';
import { loadCrd } from '../../../src/folder/crds.js';

describe('the table of kinds', () => {
  it('has a row for each CustomResourceDefinition, and no other', () => {
    expect(KINDS.map(({ crd }) => crd).sort()).toEqual(readdirSync('crds').sort());
  });

  it.each(KINDS.map((row): [string, Kind] => [row.kind, row]))('names %s as its CustomResourceDefinition does', (_kind, row) => {
    const { kind, plural, apiVersion, names } = loadCrd(row);
    expect({ kind: row.kind, plural: row.plural, apiVersion: `${row.group}/${row.version}` }).toEqual({ kind, plural, apiVersion });
    expect([row.plural, row.singular, ...row.shortNames]).toEqual(names);
  });

  it('gives each kind a finalizer of its own', () => {
    expect(new Set(KINDS.map(({ finalizer }) => finalizer)).size).toBe(KINDS.length);
  });
});

describe('kindNamed', () => {
  it.each(['pages', 'page', 'Page', 'mpage', 'messengerpages', 'MessengerPage'])('takes %s for MessengerPage', (word) => {
    expect(kindNamed(word)).toBe(PAGES);
  });

  it.each(['', 'widgets', 'pag'])('knows no kind %j', (word) => {
    expect(kindNamed(word)).toBeUndefined();
  });
});
