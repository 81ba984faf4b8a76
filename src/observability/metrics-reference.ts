import { Registry } from 'prom-client';
import { CONCERNS } from './metrics.js';
import { ProcessMetrics } from './process-metrics.js';
import { MAX_APPS, OTHER_APPS } from './tally.js';

interface Described {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly labelNames?: readonly string[];
}

/** Which of these there are depends on the platform. */
const NODE = /^messenger_(?:process|nodejs)_/;
/** Labels whose values are ours to list: those of a counter are all there from the start. */
const OPEN_LABELS = new Set(['version', 'le', 'app']);

/** `docs/reference/metrics.md`, from the metrics themselves. */
export async function metricsReference(): Promise<string> {
  const registry = new Registry();
  new ProcessMetrics(registry, '0.0.0');
  for (const Concern of CONCERNS) new Concern(registry);
  const described = registry.getMetricsAsArray() as unknown as readonly Described[];
  const values = await labelValues(registry);
  const ours = described.filter(({ name }) => !NODE.test(name)).sort(byName);
  return [
    '<!-- Generated from src/observability by `npm run generate`. Do not edit. -->',
    '',
    '# Metrics',
    '',
    'Every process serves the metrics of its role at `/metrics` on the admin port. Label values are closed sets. Counters and histograms',
    'export all their series from the start. No page, object or message is ever a label. `app` is the id of a Facebook App, for the',
    `first ${MAX_APPS} apps that a process sees; all further apps share the value \`${OTHER_APPS}\`.`,
    '',
    '| metric | type | labels | what |',
    '| --- | --- | --- | --- |',
    ...ours.map(({ name, type, help, labelNames = [] }) => `| \`${name}\` | ${type} | ${labelText(name, labelNames, values)} | ${help} |`),
    '',
    'In addition there are `messenger_process_*` and `messenger_nodejs_*`, the default metrics of prom-client about the process and Node.',
    'Which ones exist depends on the platform.',
    '',
  ].join('\n');
}

function labelText(metric: string, names: readonly string[], values: ReadonlyMap<string, ReadonlySet<string>>): string {
  return names
    .map((name) => {
      const known = [...(values.get(`${metric} ${name}`) ?? [])];
      return known.length === 0 || OPEN_LABELS.has(name) ? `\`${name}\`` : `\`${name}\`: ${known.join(', ')}`;
    })
    .join('; ');
}

/** `metric label` → the values that its series have. */
async function labelValues(registry: Registry): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const values = new Map<string, Set<string>>();
  for (const metric of await registry.getMetricsAsJSON()) {
    for (const { labels } of metric.values) {
      for (const [name, value] of Object.entries(labels)) {
        const key = `${metric.name} ${name}`;
        values.set(key, (values.get(key) ?? new Set()).add(String(value)));
      }
    }
  }
  return values;
}

function byName(a: Described, b: Described): number {
  return a.name < b.name ? -1 : 1;
}
