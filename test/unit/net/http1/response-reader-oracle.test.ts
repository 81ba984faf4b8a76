import { afterEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { bytesOf, endOf, readCut } from './answers.js';
import { anyCase, type Case } from './arbitrary-answers.js';
import { aRawBot, readByNode } from './node-answers.js';
import { closeAll } from './real-bots.js';

/** How many answers; a fifth as many over real connections. 50,000 take twenty seconds. */
const RUNS = Number(process.env['FUZZ_ANSWERS'] ?? 5_000);
const SEED = Number(process.env['FUZZ_SEED'] ?? 20261123);

/** Where Node would use a connection again and ours does not. */
const LEFT: readonly ((text: string, status: number | undefined) => boolean)[] = [
  // A body is named that may not come, but does with some bots.
  (text, status) => (status === 204 || status === 304) && /^(?:content-length|transfer-encoding):/im.test(text),
  // An old bot says that it closes, and that it does not.
  (text) => text.includes('HTTP/1.0') && /^connection:.*close/im.test(text) && /^connection:.*keep-alive/im.test(text),
];

afterEach(closeAll);

function cutsOf({ cuts }: Case, { length }: Buffer): readonly number[] {
  return cuts.map((part) => Math.floor(part * length));
}

describe('a random answer, whole or damaged', () => {
  it('is over for us after the same byte as for the client of Node, or refused', async () => {
    const count = { agreed: 0, stricter: 0, bothRefused: 0, unended: 0 };
    await fc.assert(
      fc.asyncProperty(anyCase, async (one) => {
        const bytes = bytesOf(one.text);
        const ours = readCut(bytes, [], one.thenEnd);
        expect(readCut(bytes, cutsOf(one, bytes), one.thenEnd)).toEqual(ours);
        const node = await readByNode(bytes, one.thenEnd);

        if (ours.progress === 'done') {
          count.agreed++;
          expect(node).toMatchObject({ status: ours.status, end: endOf(bytes) ?? 'eof', error: undefined });
          if (ours.again) expect(node.keeps).toBe(true);
          else if (node.keeps && node.end === bytes.length) expect(LEFT.some((applies) => applies(one.text, ours.status))).toBe(true);
        } else {
          expect(one.isValid).toBe(false);
          if (ours.progress === 'reading') {
            count.unended++;
            expect(node.end).toBeUndefined();
          } else if (node.end === undefined) count.bothRefused++;
          else count.stricter++;
        }
      }),
      { seed: SEED, numRuns: RUNS },
    );
    if (RUNS > 5_000) process.stdout.write(`${JSON.stringify(count)}\n`);
    expect(Math.min(count.agreed, count.bothRefused, count.unended)).toBeGreaterThan(RUNS / 50);
  }, 600_000);

  it('ends the same over a real connection, however the packets fall', async () => {
    const bot = await aRawBot();
    await fc.assert(
      fc.asyncProperty(anyCase, async (one) => {
        const bytes = bytesOf(one.text);
        const cuts = cutsOf(one, bytes);
        const ours = readCut(bytes, cuts, true);
        const pieces = [0, ...cuts].map((from, i) => bytes.subarray(from, cuts[i]));
        const node = await bot.readByNode(pieces.filter(({ length }) => length > 0));

        if (ours.progress === 'done') expect(node).toMatchObject({ status: ours.status, complete: true });
        // What comes behind an answer is an error to Node when it is a broken one.
        if (ours.again) expect(node.error).toBeUndefined();
        if (ours.progress === 'done' && node.error !== undefined) expect(ours.again).toBe(false);
      }),
      { seed: SEED, numRuns: Math.ceil(RUNS / 5) },
    );
  }, 600_000);
});
