import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually } from '../support/eventually.js';
import { Abuse } from './support/abuse.js';
import { MoodyBot } from './support/bad-bots.js';
import { APP_SECRET, startEdge, type Edge } from './support/edge.js';
import { bodyOf, entryOf, pageId } from './support/neighbours.js';
import { atRate } from './support/numbers.js';
import { send } from './support/send.js';

const MIB = 1_024 * 1_024;

let bot: MoodyBot;
let edge: Edge;
let abuse: Abuse | undefined;

beforeEach(async () => {
  bot = await MoodyBot.start();
  edge = await startEdge({ pages: new Map([[pageId(0), bot.port]]), webhook: { maxInFlight: 120 } });
});

afterEach(async () => {
  abuse?.stop();
  abuse = undefined;
  await edge.stop();
  await bot.stop();
});

/**
 * Meta's POSTs for a while. @returns the statuses, and the most unverified bytes that were held
 * meanwhile
 */
async function meta(seconds: number): Promise<{ readonly statuses: readonly number[]; readonly heldBytes: number }> {
  const statuses: number[] = [];
  let heldBytes = 0;
  await atRate(50, seconds, async (n) => {
    statuses.push(await send({ port: edge.port, secret: APP_SECRET }, bodyOf(entryOf(pageId(0), `m_${n}`))));
    heldBytes = Math.max(heldBytes, edge.server.unverifiedBytes);
  });
  return { statuses, heldBytes };
}

describe('strangers at the public listener', () => {
  it('keep Meta from nothing with idle connections and headers and bodies a byte a second, and are cut off', async () => {
    abuse = new Abuse({ port: edge.port, idle: 400, slowHeaders: 50, slowBodies: 150, junk: 0 });
    const { counts } = abuse;
    await eventually(() => counts.open >= 600);

    const { statuses } = await meta(5);

    expect(statuses).toEqual(Array(250).fill(200));
    await eventually(() => (edge.counts.webhook.counts['refused:too_slow'] ?? 0) >= 50, 5_000, 'slow bodies being cut');
    expect(counts.answers['408']).toBeGreaterThan(0);
    expect(counts.answers['200']).toBeUndefined();
  }, 30_000);

  it('keep Meta from nothing with bodies of 8 MiB without a valid signature, and never hold more memory than is theirs', async () => {
    abuse = new Abuse({ port: edge.port, idle: 0, slowHeaders: 0, slowBodies: 0, junk: 8 });
    const { counts } = abuse;
    await eventually(() => counts.junkBytes > 4 * MIB);

    const { statuses, heldBytes } = await meta(4);

    expect(statuses).toEqual(Array(200).fill(200));
    expect(heldBytes).toBeLessThanOrEqual(64 * MIB);
    // A whole body takes its time at the pace of all of them together; what is too long about it is
    // cut off.
    await eventually(() => (counts.answers['401'] ?? 0) + (counts.answers['408'] ?? 0) > 0, 20_000, 'junk being refused');
    expect(counts.answers['200']).toBeUndefined();
    expect(edge.counts.webhook.counts['verified:1517776481860111']).toBe(200);
  }, 30_000);
});
