import { Counter, type Metric } from 'prom-client';
import { combinations, type Described, type LabelSets } from './closed-series.js';

/** One series of a counter that is told of every event: a number, which prom-client reads when it is scraped. */
export interface Tally {
  count: number;
}

/** The tally of the series with these label values, in the order in which the labels were declared. */
export type Tallies = (...values: readonly string[]) => Tally;

/**
 * A closed counter for where a counter is told of every event: its series are looked up once, not at each `inc`.
 * @throws from the returned function, for values outside the closed sets
 */
export function tallies({ registry, name, help }: Described, labels: LabelSets): Tallies {
  const series = new Map(
    combinations(labels).map((combination) => [keyOf(Object.values(combination)), { combination, tally: { count: 0 } }]),
  );
  new Counter({
    name,
    help,
    labelNames: Object.keys(labels),
    registers: [registry],
    collect() {
      this.reset();
      for (const { combination, tally } of series.values()) this.inc(combination, tally.count);
    },
  });
  return (...values) => {
    const known = series.get(keyOf(values));
    if (known === undefined) throw new Error(`${name} has no series ${keyOf(values)}`);
    return known.tally;
  };
}

/** A tally for each of these values of a counter's only label. */
export function talliesBy<const V extends string>(described: Described, label: string, values: readonly V[]): Readonly<Record<V, Tally>> {
  const tallyOf = tallies(described, { [label]: values });
  return Object.fromEntries(values.map((value) => [value, tallyOf(value)])) as Record<V, Tally>;
}

function keyOf(values: readonly string[]): string {
  return values.join(' ');
}

/** One series of a histogram. */
export class Distribution {
  readonly bounds: readonly number[];
  /** Values up to each bound and above the one before; behind the last bound, those above all. */
  readonly counts: number[];
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = [...bounds, Infinity].map(() => 0);
  }

  observe(value: number): void {
    let at = 0;
    while (at < this.bounds.length && value > (this.bounds[at] ?? 0)) at++;
    this.counts[at] = (this.counts[at] ?? 0) + 1;
    this.sum += value;
  }
}

interface HistogramShape {
  readonly labels: LabelSets;
  /** Upper bounds, rising; one for everything is added. */
  readonly bounds: readonly number[];
}

/** A closed histogram for where it is told of every event; prom-client's own hashes the labels and makes objects each time. */
export function distributions({ registry, name, help }: Described, { labels, bounds }: HistogramShape): readonly Distribution[] {
  const series = combinations(labels).map((combination) => ({ combination, distribution: new Distribution(bounds) }));
  const metric = {
    name,
    help,
    type: 'histogram',
    aggregator: 'sum',
    labelNames: Object.keys(labels),
    get: () => Promise.resolve({ name, help, type: 'histogram', aggregator: 'sum', values: series.flatMap((one) => exported(name, one)) }),
    reset: () => undefined,
  };
  // A registry asks no more of a metric than this; the type wants prom-client's own classes.
  registry.registerMetric(metric as unknown as Metric);
  return series.map(({ distribution }) => distribution);
}

interface Series {
  readonly combination: Readonly<Record<string, string>>;
  readonly distribution: Distribution;
}

function exported(name: string, { combination, distribution: { bounds, counts, sum } }: Series) {
  let total = 0;
  const buckets = counts.map((count, at) => {
    total += count;
    return { metricName: `${name}_bucket`, labels: { le: bounds[at] ?? '+Inf', ...combination }, value: total };
  });
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels: combination, value: sum },
    { metricName: `${name}_count`, labels: combination, value: total },
  ];
}
