import { Counter, Gauge, type Metric } from 'prom-client';
import { combinations, type Described, type LabelSets } from './closed-series.js';

/**
 * One series of a counter on the event path: a number, which prom-client reads at a scrape (ADR
 * 0013).
 */
export interface Tally {
  count: number;
}

/**
 * The tally of the series with these label values, in the order in which the labels were declared.
 */
export type Tallies = (...values: readonly string[]) => Tally;

/**
 * A closed counter for the event path: its series are looked up once, not at each `inc`.
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

/** A gauge without labels for the event path: a number, read at a scrape. */
export function level({ registry, name, help }: Described): Tally {
  const tally = { count: 0 };
  new Gauge({
    name,
    help,
    registers: [registry],
    collect() {
      this.set(tally.count);
    },
  });
  return tally;
}

/** A tally for each of these values of a counter's only label. */
export function talliesBy<const V extends string>(described: Described, label: string, values: readonly V[]): Readonly<Record<V, Tally>> {
  const tallyOf = tallies(described, { [label]: values });
  return Object.fromEntries(values.map((value) => [value, tallyOf(value)])) as Record<V, Tally>;
}

/**
 * Apps that have series of their own; an operator has a few. Further apps count as {@link
 * OTHER_APPS}.
 */
export const MAX_APPS = 50;
export const OTHER_APPS = 'other';

/** A value for each app, made when the app is first seen. Bounded. */
export class PerApp<T> {
  readonly #make: (app: string) => T;
  readonly #others: T;
  readonly #known = new Map<string, T>();

  constructor(make: (app: string) => T) {
    this.#make = make;
    this.#others = make(OTHER_APPS);
  }

  of(appId: string): T {
    const known = this.#known.get(appId);
    if (known !== undefined) return known;
    if (this.#known.size >= MAX_APPS) return this.#others;
    const made = this.#make(appId);
    this.#known.set(appId, made);
    return made;
  }
}

/**
 * A counter by `app` and closed sets: all series of an app are exported, at 0, once the app is
 * seen.
 */
export function talliesPerApp<T>(
  { registry, name, help }: Described,
  labels: LabelSets,
  shape: (tallyOf: (labels: Readonly<Record<string, string>>) => Tally) => T,
): PerApp<T> {
  const series: { readonly labels: Readonly<Record<string, string>>; readonly tally: Tally }[] = [];
  new Counter({
    name,
    help,
    labelNames: ['app', ...Object.keys(labels)],
    registers: [registry],
    collect() {
      this.reset();
      for (const one of series) this.inc(one.labels, one.tally.count);
    },
  });
  return new PerApp((app) =>
    shape((rest) => {
      const tally = { count: 0 };
      series.push({ labels: { app, ...rest }, tally });
      return tally;
    }),
  );
}

/** For each app, a tally for each of these values of one other label. */
export function talliesPerAppBy<const V extends string>(
  described: Described,
  label: string,
  values: readonly V[],
): PerApp<Readonly<Record<V, Tally>>> {
  const shape = (tallyOf: (labels: Readonly<Record<string, string>>) => Tally) =>
    Object.fromEntries(values.map((value) => [value, tallyOf({ [label]: value })])) as Record<V, Tally>;
  return talliesPerApp(described, { [label]: values }, shape);
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

/**
 * A closed histogram for the event path; prom-client's own hashes the labels and makes objects each
 * time.
 */
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
  // A registry needs no more of a metric than this; its type asks for prom-client's own classes.
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
