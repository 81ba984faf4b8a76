// What counting costs: our tallies (src/observability/tally.ts) beside prom-client's own ways, and what that is for one
// event, which is counted by seven counters, four gauge values and three histograms. ADR 0013 has the figures.
//
//   npx node test/bench/counters.mjs [--rounds 7]
//
// Builds src into a temporary folder first.
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { buildOperator, workshop } from './hops.mjs';

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '7' } } });
const rounds = Number(values.rounds);
const PER_ROUND = 1_000_000;
const APP = '1517776481860111';
const BOUNDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 4, 10, 30, 60];
const OF_AN_EVENT = { counters: 7, gauges: 4, histograms: 3 };

const { folder, remove } = workshop();
const dist = buildOperator(folder);
const load = (path) => import(pathToFileURL(`${dist}/${path}.js`).href);
const { distributions, level, talliesPerAppBy } = await load('observability/tally');
const { CHANNELS } = await load('observability/webhook-metrics');

const registry = new Registry();
const described = (name) => ({ registry, name, help: 'x' });
const labelNames = ['app', 'channel'];
const counter = new Counter({ ...described('prom_counter'), labelNames, registers: [registry] });
const gauge = new Gauge({ ...described('prom_gauge'), registers: [registry] });
const histogram = new Histogram({ ...described('prom_histogram'), labelNames: ['status'], buckets: BOUNDS, registers: [registry] });
const children = new Map([[APP, Object.fromEntries(CHANNELS.map((channel) => [channel, counter.labels(APP, channel)]))]]);
const statuses = { 200: histogram.labels('200') };
const tallies = talliesPerAppBy(described('our_counter'), 'channel', CHANNELS);
const height = level(described('our_gauge'));
const [distribution] = distributions(described('our_histogram'), { labels: { status: ['200'] }, bounds: BOUNDS });

/** The n-th value keeps what is measured from being a constant. */
const WAYS = {
  'inc({ app, channel }), set(), observe({ status })': {
    counters: (n) => counter.inc({ app: APP, channel: CHANNELS[n & 3] }),
    gauges: (n) => gauge.set(n),
    histograms: (n) => histogram.observe({ status: '200' }, (n & 63) / 1_000),
  },
  'labels() once, then inc(), set(), observe()': {
    counters: (n) => children.get(APP)[CHANNELS[n & 3]].inc(),
    gauges: (n) => gauge.set(n),
    histograms: (n) => statuses[200].observe((n & 63) / 1_000),
  },
  'tally.ts': {
    counters: (n) => tallies.of(APP)[CHANNELS[n & 3]].count++,
    gauges: (n) => (height.count = n),
    histograms: (n) => distribution.observe((n & 63) / 1_000),
  },
};

function nanoseconds(count) {
  const start = process.cpuUsage();
  for (let n = 0; n < PER_ROUND; n++) count(n);
  const { user, system } = process.cpuUsage(start);
  return ((user + system) * 1_000) / PER_ROUND;
}

const median = (numbers) => numbers.sort((a, b) => a - b)[Math.floor(numbers.length / 2)];
const kinds = Object.keys(OF_AN_EVENT);
const measured = Object.fromEntries(Object.keys(WAYS).map((way) => [way, Object.fromEntries(kinds.map((kind) => [kind, []]))]));
for (let round = 0; round <= rounds; round++) {
  for (const [way, does] of Object.entries(WAYS)) {
    for (const kind of kinds) {
      const ns = nanoseconds(does[kind]);
      // In the first round the code is still being compiled.
      if (round > 0) measured[way][kind].push(ns);
    }
  }
}
console.log(`ns of CPU, median of ${rounds} rounds of ${PER_ROUND}`);
console.log(`${''.padEnd(52)}counter   gauge  histogram   one event`);
for (const [way, results] of Object.entries(measured)) {
  const ns = kinds.map((kind) => median(results[kind]));
  const event = kinds.reduce((all, kind, at) => all + ns[at] * OF_AN_EVENT[kind], 0);
  console.log(
    `${way.padEnd(52)}${ns[0].toFixed(0).padStart(7)}${ns[1].toFixed(0).padStart(8)}${ns[2].toFixed(0).padStart(11)}${event.toFixed(0).padStart(12)}`,
  );
}
remove();
