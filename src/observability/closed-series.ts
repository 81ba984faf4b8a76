import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** Label → every value that it can have. */
export type LabelSets = Readonly<Record<string, readonly string[]>>;

export interface Described {
  readonly registry: Registry;
  readonly name: string;
  readonly help: string;
}

/**
 * A counter whose series are all there from the start, at 0: `rate()` and alerts see the first
 * failure. Only for closed sets; no page, object or message is ever a label.
 */
export function closedCounter<const L extends LabelSets>(
  { registry, name, help }: Described,
  labels: L,
): Counter<Extract<keyof L, string>> {
  const counter = new Counter<Extract<keyof L, string>>({ name, help, labelNames: namesOf(labels), registers: [registry] });
  for (const combination of combinations(labels)) counter.inc(combination as Parameters<typeof counter.inc>[0] & object, 0);
  return counter;
}

/**
 * A histogram in seconds, with a series for every combination of closed label sets from the start.
 */
export function closedHistogram<const L extends LabelSets>(
  { registry, name, help }: Described,
  labels: L,
  buckets: readonly number[],
): Histogram<Extract<keyof L, string>> {
  const labelNames = namesOf(labels);
  const histogram = new Histogram<Extract<keyof L, string>>({ name, help, labelNames, buckets: [...buckets], registers: [registry] });
  for (const combination of combinations(labels)) histogram.zero(combination as Parameters<typeof histogram.zero>[0]);
  return histogram;
}

/** A gauge without labels that starts at 0. */
export function plainGauge({ registry, name, help }: Described): Gauge {
  return new Gauge({ name, help, registers: [registry] });
}

function namesOf<L extends LabelSets>(labels: L): Extract<keyof L, string>[] {
  return Object.keys(labels) as Extract<keyof L, string>[];
}

/** Every combination of one value a label. */
export function combinations(labels: LabelSets): readonly Readonly<Record<string, string>>[] {
  return Object.entries(labels).reduce<readonly Readonly<Record<string, string>>[]>(
    (all, [name, values]) => all.flatMap((one) => values.map((value) => ({ ...one, [name]: value }))),
    [{}],
  );
}
