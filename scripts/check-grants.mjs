// After the suites: holds what the chart grants to the operator's ServiceAccounts against what the audit logs of their API
// servers say was used and refused, and prints it as a table.
//
//   node --import ./scripts/ts-hooks.mjs scripts/check-grants.mjs FOLDER [why it cannot be judged]
//
// FOLDER has the records that test/support/grant-usage.ts made. Fails for a right that nothing used, and for a refusal that no
// test declared (ControlPlane.expectRefusals).
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { judgeGrants } from '../test/support/grant-check.ts';

/** Exit codes; 0: not judged. */
const [HELD, FAILED] = [10, 1];

const [folder, notJudged] = process.argv.slice(2);
const files = existsSync(folder) ? readdirSync(folder).sort() : [];
const read = (kind) => files.filter((name) => name.startsWith(kind)).map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')));

const records = read('usage-');
const yamls = new Set([readFileSync('deploy/install.yaml', 'utf8'), ...read('manifests-').map(({ yaml }) => yaml)]);
if (records.length === 0) {
  console.log(`grants: no API server of the tests' own wrote an audit log${notJudged ? `, and ${notJudged}` : ''}`);
} else {
  const verdict = judgeGrants([...yamls], records);
  print(verdict);
  if (notJudged) console.log(`grants: not judged, for ${notJudged}`);
  else process.exitCode = verdict.unused.length + verdict.refused.length > 0 ? FAILED : HELD;
}

function print({ grants, unused, refused, expected }) {
  console.log(`grants: ${grants.length} rights given by the chart, and how often ${records.length} clusters saw them used\n`);
  const rows = grants.map(({ account, verb, group, resource, used }) => [
    account.replace(/^.*:/, ''),
    group === '' ? resource : `${resource}.${group}`,
    verb,
    used === 0 ? 'UNUSED' : String(used),
  ]);
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column].length)));
  for (const row of rows)
    console.log(
      `  ${row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd()}`,
    );
  console.log(`\n  ${unused.length} unused, ${refused.length} kinds of request refused that no test expected`);
  for (const line of refused) console.log(`  REFUSED  ${line}`);
  for (const line of expected) console.log(`  refused on purpose: ${line}`);
}
