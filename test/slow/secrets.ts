import { held, memories, UnrelatedSecrets, type Memories } from '../support/many-secrets.js';
import { MEASURABLE } from '../support/memory.js';
import { ROLES } from '../support/operator.js';
import { PageWorld } from '../support/page-world.js';
import { report, scaled } from './row.js';

const COUNT = scaled(10_000);
const BYTES = 100_000;
/**
 * So many of them are changed, and deleted: of every version etcd and the API server keep a copy.
 */
const CHANGED = scaled(1_500);
/** Were data held, it would be a hundred times as much. */
const BYTES_A_SECRET = 1_000;
/**
 * What goes through a process while it lists 1,000 Secrets with their data in an annotation stays
 * mapped for a while; all data would be 1,300 MB.
 */
const RSS_MB = 120;

const world = await PageWorld.start({
  controllerManager: false,
  nodeFlags: MEASURABLE,
  flags: Object.fromEntries(ROLES.map((role) => [role, ['--log-level', 'info', ...(role === 'controller' ? ['--interval', '1m'] : [])]])),
});
try {
  for (const name of ['one', 'two', 'three']) await world.readyPage(name);
  const secrets = new UnrelatedSecrets(world, { count: COUNT, bytes: BYTES, annotated: COUNT / 10 });
  // What is only made by the first changes is no growth.
  const few = new UnrelatedSecrets(world, { count: 50, bytes: BYTES, annotated: 5 });
  await few.create();
  await few.delete();
  const before = await memories(world);
  report([
    {
      what: 'Secrets that nobody refers to',
      value: `${COUNT} of ${BYTES} bytes, ${COUNT / 10} of them with the data in an annotation, too`,
    },
    { what: 'before: held, RSS (MB)', value: absolute(before) },
  ]);
  const look = async (what: string): Promise<void> => {
    const now = await memories(world);
    const growth = Math.max(...ROLES.map((role) => held(now[role]) - held(before[role])));
    const rss = Math.max(...ROLES.map((role) => now[role].rss - before[role].rss)) / 1e6;
    const ok = growth / COUNT <= BYTES_A_SECRET && rss <= RSS_MB;
    report([
      { what: `${what}: held, RSS (MB)`, value: absolute(now) },
      {
        what: `${what}: growth`,
        value: `${(growth / COUNT).toFixed(0)} bytes a Secret, RSS ${rss.toFixed(0)} MB`,
        target: `<= ${BYTES_A_SECRET} bytes a Secret, RSS <= ${RSS_MB} MB`,
        ok,
      },
    ]);
  };
  await secrets.create();
  await look('created');
  await secrets.update(CHANGED);
  await look(`${CHANGED} changed`);
  for (const role of ROLES) await world.operator.restart(role);
  await look('restarted among them');
  await secrets.delete(CHANGED);
  await look(`${CHANGED} deleted`);
} finally {
  await world.stop();
}

function absolute(now: Memories): string {
  return ROLES.map((role) => `${role} ${(held(now[role]) / 1e6).toFixed(1)}, ${(now[role].rss / 1e6).toFixed(0)}`).join(' · ');
}
