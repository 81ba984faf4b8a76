import { pathToFileURL } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import type { CustomObject, Kind } from '../../src/api/kinds.js';
import { GROUP, VERSION } from '../../src/api/v1alpha1/constants.js';
import type { KindIndexes } from '../../src/runtime/kinds.js';
import { eventually } from '../support/eventually.js';
import { type Bench, SIGNAL } from './bench.js';
import { freshName, NAMESPACE } from './manifests.js';
import type { Manifest } from './world.js';

export interface Widget extends CustomObject {
  readonly spec: { readonly color: string };
  readonly status?: { readonly seen?: string };
}

export const WIDGET_CRD = 'test/contract/messengerwidgets.yaml';

/** The row of a kind that the operator does not have: all that both clusters are given of it. */
export const WIDGETS: Kind<Widget> = {
  ...{ group: GROUP, version: VERSION, namespaced: true },
  kind: 'MessengerWidget',
  plural: 'messengerwidgets',
  singular: 'messengerwidget',
  shortNames: ['mwidget'],
  crd: pathToFileURL(WIDGET_CRD).href,
  finalizer: `${GROUP}/widget`,
};

export const WIDGET_INDEXES: KindIndexes = { [WIDGETS.plural]: { color: ({ spec }: Widget) => [spec.color] } };

function widget(name: string, color: string): Manifest {
  return { apiVersion: `${GROUP}/${VERSION}`, kind: WIDGETS.kind, metadata: { name, namespace: NAMESPACE }, spec: { color } };
}

export function widgetContract(bench: Bench): void {
  describe('a new kind, by its row and its CustomResourceDefinition alone', () => {
    it('is watched, found by its index, judged by its schema, written and freed', async () => {
      const { world } = bench;
      const { widgets } = world;
      const key = { namespace: NAMESPACE, name: freshName() };
      expect(await world.apply(widget(freshName(), 'green'))).toContain('spec.color');
      expect(await world.apply(widget(key.name, 'red'))).toBeUndefined();

      const made = await eventually(() => widgets.informer.get(key));
      expect(made).toMatchObject({ kind: 'MessengerWidget', metadata: { generation: 1 }, spec: { color: 'red' } });
      expect(widgets.informer.byIndex('color', 'red')).toEqual([made]);

      const held = await widgets.finalizers.add(made, WIDGETS.finalizer, SIGNAL);
      await widgets.status.write(held, { seen: 'yes' }, SIGNAL);
      const seen = await eventually(() => {
        const now = widgets.informer.get(key);
        return now?.status?.seen === 'yes' ? now : undefined;
      });
      expect(seen.metadata).toMatchObject({ generation: 1, finalizers: [WIDGETS.finalizer] });

      await world.remove(widget(key.name, 'red'));
      const leaving = await eventually(() => {
        const now = widgets.informer.get(key);
        return now?.metadata.deletionTimestamp === undefined ? undefined : now;
      });
      expect(await widgets.live.get(key, SIGNAL)).toBeDefined();
      await widgets.finalizers.remove(leaving, WIDGETS.finalizer, SIGNAL);
      await eventually(() => widgets.informer.get(key) === undefined);
    });
  });
}
