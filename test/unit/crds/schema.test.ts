import { describe, expect, it } from '@jest/globals';
import { allFields, readCrds, type SchemaNode } from './crd-files.js';

const ENVELOPE = /^Messenger(App|Page)\.(apiVersion|kind|metadata)$/;

describe('the CustomResourceDefinitions', () => {
  it('describe every field, for kubectl explain', () => {
    const fields = allFields().filter(({ path }) => !path.endsWith('.metadata') && !path.endsWith('[]') && !path.endsWith('{}'));
    const silent = fields.filter(({ node }) => (node.description ?? '').length < 10).map(({ path }) => path);

    expect(fields.length).toBeGreaterThan(120);
    expect(silent).toEqual([]);
  });

  it('bound every list, map and text', () => {
    const unbounded = allFields()
      .filter(({ path }) => !ENVELOPE.test(path))
      .filter(({ node }) => {
        if (node.type === 'array') return node.maxItems === undefined || node['x-kubernetes-list-type'] === undefined;
        if (node.additionalProperties !== undefined) return node.maxProperties === undefined;
        return node.type === 'string' && node.maxLength === undefined && node.enum === undefined && !('format' in node);
      })
      .map(({ path }) => path);

    expect(unbounded).toEqual([]);
  });

  it('set no default but that of the status, so that GitOps tools see no difference', () => {
    const defaults = allFields().filter(({ node }) => node.default !== undefined);

    expect(defaults.map(({ path, node }) => [path, node.default])).toEqual([
      ['MessengerApp.status', { observedGeneration: -1 }],
      ['MessengerPage.status', { observedGeneration: -1 }],
    ]);
  });

  it('have the names, columns and selectable fields that users type', () => {
    const [app, page] = readCrds();
    const columns = (wide: boolean): readonly string[] =>
      page?.version.additionalPrinterColumns.filter(({ priority = 0 }) => priority > 0 === wide).map(({ name }) => name) ?? [];

    expect(app?.names).toMatchObject({ shortNames: ['mapp'], categories: ['messenger'] });
    expect(page?.names).toMatchObject({ shortNames: ['mpage'], categories: ['messenger'] });
    expect(columns(false)).toEqual(['PAGE-ID', 'READY', 'REASON', 'FIELDS', 'TOKEN-EXPIRES', 'AGE']);
    expect(columns(true)).toEqual(['PAGE-NAME', 'APP', 'BACKEND']);
    expect(page?.version.selectableFields.map(({ jsonPath }) => jsonPath)).toEqual(['.spec.pageId', '.spec.appRef.name']);
  });

  it('print no future time in a date column, which shows it as <invalid>', () => {
    const dates = readCrds().flatMap(({ version }) => version.additionalPrinterColumns.filter(({ type }) => type === 'date'));

    expect(new Set(dates.map(({ name }) => name))).toEqual(new Set(['AGE']));
  });

  it('have a status subresource, with conditions merged by type', () => {
    for (const { version } of readCrds()) {
      expect(version.subresources).toEqual({ status: {} });
      expect(version.schema.openAPIV3Schema.properties?.['status']?.properties?.['conditions']).toMatchObject({
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['type'],
      });
    }
  });

  it('have the same fields in pageDefaults of an app as in the spec of a page', () => {
    const [defaults = [], page = []] = ['MessengerApp.spec.pageDefaults.', 'MessengerPage.spec.'].map((prefix) =>
      allFields()
        .filter(({ path }) => path.startsWith(prefix))
        .map(({ path, node }) => [path.slice(prefix.length), shapeOf(node)] as const),
    );
    const names = new Set(defaults.map(([path]) => path.split(/[.[{]/)[0]));

    expect(names).toContain('backend');
    expect(defaults).toEqual(page.filter(([path]) => names.has(path.split(/[.[{]/)[0])));
  });
});

/**
 * All that a field takes; its texts speak of a page or of an app, its fields stand for themselves.
 */
function shapeOf(node: SchemaNode): object {
  const own = Object.entries(node).filter(([name]) => !['description', 'properties', 'items', 'additionalProperties'].includes(name));
  return { ...Object.fromEntries(own), 'x-kubernetes-validations': node['x-kubernetes-validations']?.map(({ rule }) => rule) };
}
