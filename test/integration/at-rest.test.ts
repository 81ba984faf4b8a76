import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { held, memories, UnrelatedSecrets, type Memories } from '../support/many-secrets.js';
import { MEASURABLE } from '../support/memory.js';
import { ROLES } from '../support/operator.js';
import { tell } from '../support/page-world.js';
import { RestWorld } from '../support/rest-world.js';

const PAGES = 5;
const REST_MS = 40_000;
const SECRETS = { count: 400, bytes: 50_000, annotated: 100 };
/** Were their data held, it would be 20 MB and more. */
const GROWTH_BYTES = 4_000_000;

let rest: RestWorld;

beforeAll(async () => {
  rest = await RestWorld.start(PAGES, { nodeFlags: MEASURABLE });
}, 180_000);

afterAll(async () => {
  await rest.stop();
}, 60_000);

describe('the operator at rest', () => {
  it('looks at Graph again and again, delivers and answers, and writes nothing', async () => {
    const seen = await rest.rest(REST_MS);

    tell(
      `${seen.seconds.toFixed(0)} s of rest: ${seen.looks} looks at ${PAGES} pages, ${seen.messages} messages by ` +
        `${seen.byReplica.join(' and ')} POSTs, ${seen.asked} answers of the Pages API`,
    );
    for (const [what, count] of Object.entries(seen.requests).sort()) tell(`${String(count).padStart(6)}  ${what}`);
    expect(seen.looks).toBeGreaterThanOrEqual(3 * PAGES);
    expect(Math.min(...seen.byReplica)).toBeGreaterThan(0);
    expect([...seen.notOk, ...seen.refusedAnswers]).toEqual([]);
    expect(seen.writes).toEqual([]);
    expect(seen.graphWrites).toEqual([]);
    expect(seen.lines).toEqual([]);
    expect(await rest.world.refusals()).toEqual([]);
  }, 120_000);
});

describe('Secrets that nobody refers to', () => {
  it('cost no memory, neither when they come nor when they change or go', async () => {
    const { world } = rest;
    const secrets = new UnrelatedSecrets(world, SECRETS);
    const before = await memories(world);
    const growth = (now: Memories) => ROLES.map((role) => held(now[role]) - held(before[role]));

    await secrets.create();
    const created = growth(await memories(world));
    await secrets.update();
    const updated = growth(await memories(world));
    await secrets.delete();
    const deleted = growth(await memories(world));

    const inKb = (bytes: readonly number[]): string =>
      ROLES.map((role, i) => `${role} ${((bytes[i] ?? 0) / 1_000).toFixed(0)} kB`).join(', ');
    tell(
      `${SECRETS.count} unrelated Secrets of ${SECRETS.bytes} bytes: ${inKb(created)}; changed: ${inKb(updated)}; gone: ${inKb(deleted)}`,
    );
    expect(Math.max(...created, ...updated, ...deleted)).toBeLessThan(GROWTH_BYTES);
  }, 120_000);
});
