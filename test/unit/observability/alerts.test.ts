import { readFileSync } from 'node:fs';
import { Registry } from 'prom-client';
import { describe, expect, it } from '@jest/globals';
import { parseAllDocuments } from 'yaml';
import { CONCERNS } from '../../../src/observability/metrics.js';
import { ProcessMetrics } from '../../../src/observability/process-metrics.js';

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly annotations: { readonly summary: string };
}

interface Manifest {
  readonly kind: string;
  readonly spec: { readonly groups: readonly { readonly rules: readonly Rule[] }[] };
}

const text = readFileSync('deploy/monitoring/alerts.yaml', 'utf8');
const manifests = parseAllDocuments(text).map((document) => document.toJS() as Manifest);
const rules = manifests.flatMap(({ spec }) => spec.groups.flatMap((group) => group.rules));

/** Every series that there is from the start: name → label → values. */
async function known(): Promise<ReadonlyMap<string, ReadonlyMap<string, ReadonlySet<string>>>> {
  const registry = new Registry();
  new ProcessMetrics(registry, 'x');
  for (const Concern of CONCERNS) new Concern(registry);
  const names = new Map<string, Map<string, Set<string>>>();
  for (const metric of await registry.getMetricsAsJSON()) {
    for (const { labels, ...value } of metric.values) {
      const name = 'metricName' in value && typeof value.metricName === 'string' ? value.metricName : metric.name;
      const of = names.get(name) ?? new Map<string, Set<string>>();
      names.set(name, of);
      for (const [label, one] of Object.entries(labels)) of.set(label, (of.get(label) ?? new Set()).add(String(one)));
    }
    if (metric.values.length === 0) names.set(metric.name, new Map());
  }
  return names;
}

describe('deploy/monitoring/alerts.yaml', () => {
  it('asks for metrics that there are, with values that they have', async () => {
    const names = await known();
    for (const { alert, expr } of rules) {
      const used = [...expr.matchAll(/\b(messenger_\w+)(?:\{([^}]*)\})?/g)];
      expect(used.length).toBeGreaterThan(0);
      for (const [, name = '', matchers = ''] of used) {
        const labels = names.get(name);
        expect([alert, name, labels !== undefined]).toEqual([alert, name, true]);
        for (const [, label = '', wanted = ''] of matchers.matchAll(/(\w+)=~?"([^"]*)"/g)) {
          const missing = wanted.split('|').filter((value) => labels?.get(label)?.has(value) !== true);
          expect([alert, label, missing]).toEqual([alert, label, []]);
        }
      }
    }
  });

  it('is explained in docs/operations.md, alert for alert', () => {
    const documented = [...readFileSync('docs/operations.md', 'utf8').matchAll(/^\| `(Messenger\w+)`/gm)].map(([, name]) => name);

    expect(documented.sort()).toEqual(rules.map(({ alert }) => alert).sort());
    expect(rules.every(({ annotations }) => annotations.summary.endsWith('.'))).toBe(true);
  });
});
