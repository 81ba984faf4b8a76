import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Registry } from 'prom-client';
import { describe, expect, it } from '@jest/globals';
import { CONCERNS } from '../../../src/observability/metrics.js';
import { metricsReference } from '../../../src/observability/metrics-reference.js';
import { ProcessMetrics } from '../../../src/observability/process-metrics.js';

const DOC = fileURLToPath(new URL('../../../docs/reference/metrics.md', import.meta.url));

describe('docs/reference/metrics.md', () => {
  it('is as generated', async () => {
    expect(await readFile(DOC, 'utf8')).toBe(await metricsReference());
  });

  it('names every metric, and none that is not there', async () => {
    const registry = new Registry();
    new ProcessMetrics(registry, 'x');
    for (const Concern of CONCERNS) new Concern(registry);
    const real = registry.getMetricsAsArray().flatMap(({ name }) => (/^messenger_(process|nodejs)_/.test(name) ? [] : [name]));
    const documented = [...(await readFile(DOC, 'utf8')).matchAll(/^\| `(messenger_\w+)`/gm)].map(([, name]) => name);
    expect(documented.sort()).toEqual(real.sort());
  });

  it('lists the values of labels', async () => {
    expect(await readFile(DOC, 'utf8')).toMatch(
      /`messenger_reconcile_total` \| counter \| `controller`: messengerapp, messengerpage; `result`: success, /,
    );
  });
});
