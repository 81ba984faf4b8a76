import { describe, expect, it } from '@jest/globals';
import type { DataState } from '../../src/runtime/ports.js';
import { eventually } from '../support/eventually.js';
import { SIGNAL, UUID, type Bench } from './bench.js';
import { freshName, NAMESPACE, secret } from './manifests.js';

const textOf = (state: DataState | undefined, key: string): string | undefined =>
  state?.kind === 'present' ? Buffer.from(state.data.get(key) ?? []).toString() : state?.kind;

/** Secrets, ConfigMaps, and what is watched besides our own kinds. */
export function dataContract(bench: Bench): void {
  describe('Secrets', () => {
    const retained = (name: string): (() => DataState) => {
      bench.cluster.secrets.retain(`test ${name}`, [{ namespace: NAMESPACE, name }]);
      return () => bench.cluster.secrets.peek({ namespace: NAMESPACE, name });
    };

    it('are absent until they are there, and known within two seconds after that', async () => {
      const name = freshName();
      const peek = retained(name);
      await eventually(() => peek().kind === 'absent');
      await bench.world.apply(secret(name, { token: 'one' }, { team: 'x' }));
      await eventually(() => textOf(peek(), 'token') === 'one', 2_000 + 2_000);
      expect(peek()).toMatchObject({
        kind: 'present',
        type: 'Opaque',
        labels: { team: 'x' },
        uid: expect.stringMatching(UUID),
        goneSinceMs: undefined,
      });
    });

    it('are told of when their value changes', async () => {
      const name = freshName();
      const peek = retained(name);
      const told: string[] = [];
      bench.cluster.secrets.subscribe((key) => told.push(key.name));
      await bench.world.apply(secret(name, { token: 'one' }));
      await eventually(() => textOf(peek(), 'token') === 'one');
      await bench.world.apply(secret(name, { token: 'two' }));
      await eventually(() => textOf(peek(), 'token') === 'two');
      expect(told.filter((one) => one === name).length).toBeGreaterThanOrEqual(2);
    });

    it('keep their last value for a while after they are gone', async () => {
      const name = freshName();
      const peek = retained(name);
      await bench.world.apply(secret(name, { token: 'one' }));
      await eventually(() => textOf(peek(), 'token') === 'one');
      await bench.world.remove(secret(name, {}));
      await eventually(() => {
        const state = peek();
        return state.kind === 'present' && state.goneSinceMs !== undefined;
      });
      expect(textOf(peek(), 'token')).toBe('one');
    });

    it('can be read once without being retained', async () => {
      const name = freshName();
      await bench.world.apply(secret(name, { token: 'once' }));
      await eventually(async () => textOf(await bench.cluster.secrets.read({ namespace: NAMESPACE, name }, SIGNAL), 'token') === 'once');
      expect(bench.cluster.secrets.peek({ namespace: NAMESPACE, name })).toEqual({ kind: 'unknown' });
    });
  });

  describe('ConfigMaps, Services and Namespaces', () => {
    it('are known as well', async () => {
      const name = freshName();
      const metadata = { name, namespace: NAMESPACE };
      bench.world.configMaps.retain('test', [metadata]);
      await bench.world.apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { config: '{}' } });
      await bench.world.apply({ apiVersion: 'v1', kind: 'Service', metadata, spec: { ports: [{ name: 'http', port: 5000 }] } });

      await eventually(() => textOf(bench.world.configMaps.peek(metadata), 'config') === '{}');
      const service = await eventually(() => bench.cluster.services?.get(metadata));
      expect(service.spec?.ports).toEqual([expect.objectContaining({ name: 'http', port: 5000 })]);
      const namespace = await eventually(() => bench.cluster.namespaces?.get({ namespace: '', name: NAMESPACE }));
      expect(namespace.metadata.labels).toMatchObject({ 'kubernetes.io/metadata.name': NAMESPACE });
    });
  });
}
