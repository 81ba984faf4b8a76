// Measures what it costs to take known secrets out of one text, beside the search for every form of every value, which it
// replaced: in one process, interleaved, medians and ratios.
//
//   node test/bench/redactor.mjs [--secrets 1000,20000] [--rounds 9]
//
// Builds src into a temporary folder first.
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { buildOperator, workshop } from './hops.mjs';

const { values } = parseArgs({
  options: { secrets: { type: 'string', default: '1000,20000' }, rounds: { type: 'string', default: '9' } },
});
const shop = workshop();
const dist = buildOperator(shop.folder);
const load = (file) => import(pathToFileURL(join(dist, file)).href);
const { KnownSecrets } = await load('core/secrets/known-secrets.js');
const { Redactor } = await load('core/secrets/redact.js');
const { Secret } = await load('core/secrets/secret.js');
const { secretForms } = await load('core/secrets/secret-forms.js');
shop.remove();

const letters = (bytes) =>
  randomBytes(bytes)
    .toString('base64')
    .replace(/[^A-Za-z0-9]/g, 'x');
/** Three of four are tokens of one app, which begin alike. */
const secretOf = (n) => (n % 4 === 3 ? randomBytes(16).toString('hex') : `EAAVkZCx8ZBcabcBO${letters(140)}`);
const sentence =
  'Error validating access token: the session has been invalidated because the user changed their password or Facebook has changed the session for security reasons (page 104500000000001 of bots/clinic-north).';
const text = sentence.slice(0, 200).padEnd(200, '.');

function linearScan(forms, seen) {
  const found = [];
  for (const one of forms) found.push(...one.filter((form) => seen.includes(form)));
  return found.sort((a, b) => b.length - a.length).reduce((left, form) => left.replaceAll(form, '[redacted]'), seen);
}

/** Microseconds of CPU time a call: a machine that does other work too does not count. */
function timed(times, work) {
  const start = process.threadCpuUsage();
  for (let n = 0; n < times; n++) work();
  const { user, system } = process.threadCpuUsage(start);
  return (user + system) / times;
}

const median = (all) => all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)];

for (const count of values.secrets.split(',').map(Number)) {
  const secrets = Array.from({ length: count }, (_, n) => secretOf(n));
  const known = new KnownSecrets();
  global.gc?.();
  const before = process.memoryUsage();
  const addUs = timed(1, () => secrets.forEach((value) => known.add(new Secret('page-token', value)))) / count;
  global.gc?.();
  const after = process.memoryUsage();
  const redactor = new Redactor({ known });
  const forms = secrets.map((value) => secretForms(value));
  const withOne = `${text.slice(0, 60)} ${secrets[0]}`.padEnd(200, '.');
  for (let n = 0; n < 20_000; n++) redactor.text(text);
  const rounds = Array.from({ length: Number(values.rounds) }, () => ({
    index: timed(20_000, () => redactor.text(text)),
    hit: timed(2_000, () => redactor.text(withOne)),
    none: timed(20_000, () => redactor.text(text, [], 'none')),
    linear: timed(Math.ceil(400_000 / count), () => linearScan(forms, text)),
  }));
  const of = (what) => median(rounds.map((round) => round[what]));
  const kib = (after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers) / 1_024;
  console.log(
    `${count} secrets, ${forms.flat().length} forms: a text of 200 characters ${of('index').toFixed(1)} µs (patterns alone ${of('none').toFixed(1)} µs), ` +
      `with one secret in it ${of('hit').toFixed(1)} µs, linear scan ${of('linear').toFixed(0)} µs: ${(of('linear') / of('index')).toFixed(0)} times; ` +
      `adding one ${addUs.toFixed(1)} µs${global.gc === undefined ? '' : `, ${((1_024 * kib) / count).toFixed(0)} bytes`}`,
  );
}
