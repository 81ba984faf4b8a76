import { randomInt } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { tell } from '../support/page-world.js';
import { fuzz } from './fuzz/fuzz.js';

const BODIES = Number(process.env['FUZZ_BODIES'] ?? 50_000);

describe('fuzzed requests', () => {
  it('crash nothing, are never wrongly accepted, and lose, change or misroute no item', async () => {
    const seed = Number(process.env['FUZZ_SEED'] ?? randomInt(2 ** 31));
    tell(`fuzz of ${BODIES} bodies with FUZZ_SEED=${seed}`);

    const result = await fuzz({ bodies: BODIES, seed });

    tell(
      `${result.verified} verified, ${result.delivering} of them with ${result.items} items for bots, in ${result.seconds.toFixed(0)} s`,
    );
    expect(result.wrong).toEqual([]);
    expect(result.bodies).toBe(BODIES);
    expect(result.verified).toBe(BODIES / 2);
    expect(result.delivering).toBeGreaterThan(BODIES / 8);
    const [early, late] = result.heapMb;
    expect(late - early).toBeLessThan(20);
  }, 180_000);
});
