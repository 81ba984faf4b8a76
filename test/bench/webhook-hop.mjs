// Measures the webhook hop beside its peers: interleaved rounds, the hop alone on one core, medians and ratios.
// On a machine that does other work too, compare the CPU time of a POST: the rate then says little.
//
//   node test/bench/webhook-hop.mjs [--seconds 3] [--rounds 5] [--only 'NAME|NAME'] [--profile FOLDER]
//
// Builds src into a temporary folder first. Needs Linux and two cores; leaves out peers that cannot be built here.
import { parseArgs } from 'node:util';
import { buildGoProxy, buildOperator, installBottender, moveToCore, startBottender, startGo, startNode, workshop } from './hops.mjs';
import { load, signedPost, startBot } from './wire.mjs';

const SECRET = 'bench-app-secret';
const CONNECTIONS = 32;
/** POSTs to each hop before anything is measured: until then its code is still being compiled. */
const WARM_UP = { one: 20_000, fifty: 600 };
const ONE = 'one message a POST';
const FIFTY = '50 entries of 50 pages a POST';
/** What the peers do not do; without this the second table would compare what cannot be compared. */
const NOTES = {
  [ONE]: 'every peer sends one request a POST; Bottender sends none, it is the bot',
  [FIFTY]:
    'the operator and "raw, splitting" send 50 signed requests, the other proxies the body as it is, once; Bottender handles 50 events',
};

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '3' },
    rounds: { type: 'string', default: '5' },
    only: { type: 'string' },
    profile: { type: 'string' },
  },
});
const seconds = Number(values.seconds);
const rounds = Number(values.rounds);

const pageId = (i) => String(100_000_000_000_000 + i);
const stamp = Date.now();
let run = 0;
const entry = (page, n) =>
  `{"id":"${page}","time":${stamp},"messaging":[{"sender":{"id":"${7_000_000_000_000_000 + n}"},"recipient":{"id":"${page}"},"timestamp":${stamp},` +
  `"message":{"mid":"m_${run}_${n}_${'Ab3-'.repeat(20)}","text":"Gr\\u00fc\\u00dfe aus K\\u00f6ln, wann habt ihr heute offen? https:\\/\\/example.com\\/a"}}]}`;
const SHAPES = {
  [ONE]: (pages, n) => `{"object":"page","entry":[${entry(pageId(n % pages), n)}]}`,
  [FIFTY]: (pages, n) =>
    `{"object":"page","entry":[${Array.from({ length: 50 }, (_, i) => entry(pageId((n * 50 + i) % pages), n * 50 + i)).join(',')}]}`,
};

/** Signed beforehand as far as it is known how many it takes; the rest while the clock runs. */
function sender(shape, pages, count) {
  run++;
  const make = (n) => signedPost(SHAPES[shape](pages, n), SECRET);
  const ready = Array.from({ length: count }, (_, n) => make(n));
  let n = 0;
  return () => ready[n++] ?? make(n - 1);
}

const sum = (counts) => Object.values(counts).reduce((all, one) => all + one, 0);

const send = (hop, endsAt, next) => load({ port: hop.port, connections: CONNECTIONS, endsAt, next });

async function warmUp(hop, shape) {
  const next = sender(shape, hop.pages, 0);
  let left = shape === ONE ? WARM_UP.one : WARM_UP.fifty;
  const startMs = performance.now();
  const posts = sum(await send(hop, Infinity, () => (left-- > 0 ? next() : undefined)));
  hop.rate = (posts * 1_000) / (performance.now() - startMs);
}

async function measure(hop, bot, shape) {
  const next = sender(shape, hop.pages, Math.ceil(hop.rate * seconds * 1.5));
  const before = hop.usage();
  const requestsBefore = bot.requests;
  const startMs = performance.now();
  const statuses = await send(hop, startMs + seconds * 1_000, next);
  const tookS = (performance.now() - startMs) / 1_000;
  const after = hop.usage();
  const posts = sum(statuses);
  hop.rate = posts / tookS;
  const cpuSeconds = after.cpuSeconds - before.cpuSeconds;
  return {
    rate: posts / tookS,
    cpuUs: (cpuSeconds * 1e6) / posts,
    busy: cpuSeconds / tookS,
    perPost: (bot.requests - requestsBefore) / posts,
    failed: posts - (statuses['200'] ?? 0),
    rss: after.rss,
  };
}

const median = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? NaN;
const medianOf = (measured, field) => median(measured.map((one) => one[field]));

function print(shape, results) {
  console.log(`\n${shape}: ${rounds} rounds of ${seconds} s, ${CONNECTIONS} connections\n  (${NOTES[shape]})`);
  console.log(`  ${''.padEnd(24)} POST/s  ratio  µs CPU a POST  CPU of raw ÷ CPU  to bots a POST  busy  not 200     MB`);
  const raw = results.get('raw node + undici') ?? [];
  for (const [name, measured] of results) {
    const rate = medianOf(measured, 'rate');
    const cpuUs = medianOf(measured, 'cpuUs');
    const cells = [
      rate.toFixed(0).padStart(6),
      (rate / medianOf(raw, 'rate')).toFixed(2).padStart(6),
      cpuUs.toFixed(1).padStart(14),
      (medianOf(raw, 'cpuUs') / cpuUs).toFixed(2).padStart(17),
      medianOf(measured, 'perPost').toFixed(1).padStart(15),
      medianOf(measured, 'busy').toFixed(2).padStart(5),
      String(measured.reduce((all, one) => all + one.failed, 0)).padStart(8),
      (medianOf(measured, 'rss') / 1e6).toFixed(0).padStart(6),
    ];
    console.log(`  ${name.padEnd(24)} ${cells.join(' ')}`);
  }
}

function plan({ base, folder }) {
  let goProxy;
  const operator = (pages) => () => startNode('operator.mjs', { ...base, pages }, values.profile);
  const hops = [
    { name: 'raw node + undici', shapes: [ONE, FIFTY], start: () => startNode('raw-node.mjs', base, values.profile) },
    { name: 'raw, splitting', shapes: [FIFTY], start: () => startNode('raw-node.mjs', { ...base, splits: true }, values.profile) },
    { name: 'operator, 10 pages', pages: 10, shapes: [ONE], start: operator(10) },
    { name: 'operator, 50 pages', pages: 50, shapes: [FIFTY], start: operator(50) },
    { name: 'operator, 10000 pages', pages: 10_000, shapes: [ONE, FIFTY], start: operator(10_000) },
    { name: 'Bottender 1.5.5', shapes: [ONE, FIFTY], start: () => (installBottender() ? startBottender(base) : undefined) },
    {
      name: 'Go ReverseProxy',
      shapes: [ONE, FIFTY],
      start: () => {
        goProxy ??= { binary: buildGoProxy(folder) };
        const { binary } = goProxy;
        return binary === undefined ? undefined : startGo(binary, base);
      },
    },
  ];
  return hops.filter(({ name }) => values.only === undefined || values.only.split('|').some((part) => name.includes(part)));
}

/** A process of its own for each round: two of the same code can differ by a twentieth, for as long as they live. */
async function round(hop, bot, shape) {
  const process = await hop.start();
  if (process === undefined) return undefined;
  const running = { pages: 50, ...hop, ...process };
  try {
    await warmUp(running, shape);
    return await measure(running, bot, shape);
  } finally {
    await running.stop();
  }
}

const { folder, remove } = workshop();
try {
  const dist = buildOperator(folder);
  if (!moveToCore(1)) console.log('no taskset: the hop and its sender share the cores');
  const bot = await startBot();
  const hops = plan({ base: { secret: SECRET, botPort: bot.port, dist }, folder });
  for (const shape of Object.keys(SHAPES)) {
    const results = new Map();
    for (let n = 0; n < rounds; n++) {
      for (const hop of hops.filter(({ shapes }) => shapes.includes(shape))) {
        const measured = await round(hop, bot, shape);
        if (measured === undefined && n === 0) console.log(`left out: ${hop.name}`);
        if (measured !== undefined) results.set(hop.name, [...(results.get(hop.name) ?? []), measured]);
      }
    }
    if (results.size > 0) print(shape, results);
  }
} finally {
  remove();
}
process.exit(0);
