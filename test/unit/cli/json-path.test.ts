import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { jsonPath } from '../../../src/cli/json-path.js';
import { parseCrd } from '../../../src/folder/crd.js';

const OBJECT = {
  spec: { pageId: '1001', names: ['a', 'b'] },
  metadata: { labels: { 'app.kubernetes.io/name': 'x' } },
  status: {
    conditions: [
      { type: 'Accepted', status: 'True' },
      { type: 'Ready', status: 'False', reason: 'NoBackend' },
    ],
  },
};

describe('jsonPath', () => {
  it.each<[string, unknown]>([
    ['.spec.pageId', '1001'],
    ['.spec.names[1]', 'b'],
    ['.status.conditions[?(@.type=="Ready")].reason', 'NoBackend'],
    ['[\'metadata\'].labels["app.kubernetes.io/name"]', 'x'],
    ['.status.conditions[?(@.type=="Missing")].reason', undefined],
    ['.spec.names.length', undefined],
    ['.spec.toString', undefined],
    ['.nothing.at.all', undefined],
  ])('finds %s', (path, value) => {
    expect(jsonPath(path)(OBJECT)).toEqual(value);
  });

  it.each(['.spec.*', 'spec', '.a..b', '.spec[?(@.x)]'])('refuses %s', (path) => {
    expect(() => jsonPath(path)).toThrow('is not understood');
  });

  it.each(['messengerapps', 'messengerpages'])('understands every column of %s', (name) => {
    const { columns } = parseCrd(readFileSync(`crds/${name}.yaml`, 'utf8'));
    expect(columns.length).toBeGreaterThan(4);
    for (const column of columns) expect(() => jsonPath(column.jsonPath)).not.toThrow();
  });
});
