import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { BadLineError, watchLines } from '../../../src/k8s/watch-lines.js';

async function* inPieces(bytes: Uint8Array, cuts: readonly number[]): AsyncGenerator<Uint8Array> {
  let from = 0;
  for (const cut of [...cuts].sort((a, b) => a - b)) {
    if (cut <= from || cut >= bytes.length) continue;
    yield bytes.subarray(from, cut);
    from = cut;
  }
  yield bytes.subarray(from);
}

async function linesOf(text: string, cuts: readonly number[] = [], maxLineBytes = 10_000): Promise<unknown[]> {
  const lines: unknown[] = [];
  for await (const line of watchLines(inPieces(Buffer.from(text), cuts), maxLineBytes)) lines.push(line);
  return lines;
}

describe('watchLines', () => {
  it('gives the same lines wherever the stream was cut into chunks, also in the middle of a character', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ type: fc.string({ unit: 'grapheme' }), n: fc.integer() })),
        fc.array(fc.nat(400)),
        async (events, cuts) => {
          expect(await linesOf(events.map((event) => `${JSON.stringify(event)}\n`).join(''), cuts)).toEqual(events);
        },
      ),
    );
  });

  it('drops the half line that a cut connection leaves, and empty lines', async () => {
    expect(await linesOf('{"a":1}\n\n{"b":')).toEqual([{ a: 1 }]);
  });

  it('fails on a line that is no JSON, after those before it', async () => {
    const seen: unknown[] = [];
    const read = async (): Promise<void> => {
      for await (const line of watchLines(inPieces(Buffer.from('{"a":1}\nnot json\n{"b":2}\n'), []), 1_000)) seen.push(line);
    };
    await expect(read()).rejects.toBeInstanceOf(BadLineError);
    expect(seen).toEqual([{ a: 1 }]);
  });

  it('holds no more than the longest line it may', async () => {
    await expect(linesOf(`"${'x'.repeat(200)}`, [50, 90, 130], 100)).rejects.toThrow('longer than 100 bytes');
    expect(await linesOf(`"${'x'.repeat(90)}"\n`.repeat(10), [], 100)).toHaveLength(10);
  });
});
