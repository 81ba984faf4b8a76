import { describe, expect, it } from '@jest/globals';
import { runBatch } from './batch.js';
import { runHistory } from './history.js';

/** `SIMULATION_SEED=17` runs that history alone and prints every step of it if it fails. */
const { SIMULATION_SEED } = process.env;
const BATCHES = Array.from({ length: 10 }, (_, index) => index * 100 + 1);

if (SIMULATION_SEED === undefined) {
  describe('the controllers, in any history', () => {
    it.each(BATCHES)(
      'keep every property in the 100 from seed %i on',
      async (first) => {
        const { failures, happened } = await runBatch(first, 100);

        expect(failures).toEqual([]);
        // Or it would be the histories that are tame, and not the controllers.
        expect(happened.graphWrites).toBeGreaterThan(200);
        expect(happened.unsubscribes).toBeGreaterThan(40);
        expect(happened.takeovers).toBeGreaterThan(100);
        expect(happened.leaders).toBeGreaterThan(200);
        expect(happened.overlaps).toBeGreaterThan(3);
        expect(happened.appWrites).toBeGreaterThan(8);
        expect(happened.routed).toBeGreaterThan(400);
      },
      300_000,
    );

    it('are the same each time for one seed', async () => {
      const told = async (): Promise<readonly string[]> => {
        const lines: string[] = [];
        await runHistory({ seed: 7, tell: (line) => lines.push(line) });
        return lines;
      };

      expect(await told()).toEqual(await told());
    });
  });
} else {
  describe('the controllers', () => {
    it(`keep every property in the history of seed ${SIMULATION_SEED}`, async () => {
      const lines: string[] = [];
      const { violations } = await runHistory({ seed: Number(SIMULATION_SEED), tell: (line) => lines.push(line) });
      if (violations.length > 0) process.stderr.write(`${lines.join('\n')}\n`);
      expect(violations).toEqual([]);
    });
  });
}
