import { describe, expect, it } from '@jest/globals';
import { live } from './crash-walk.js';

describe('the life of a page', () => {
  it('ends well when nothing goes wrong', async () => {
    expect((await live(undefined)).violations).toEqual([]);
  });

  it.each([
    { what: 'has', applied: true },
    { what: 'does not have', applied: false },
  ])(
    'ends well whichever of its calls is the last of its process, which still $what its effect',
    async ({ applied }) => {
      const { calls } = await live(undefined);
      const failures: string[] = [];
      for (let call = 1; call <= calls; call++) {
        const { violations } = await live({ call, applied });
        if (violations.length > 0) failures.push(`call ${call}: ${violations.join('; ')}`);
      }

      expect(failures).toEqual([]);
      expect(calls).toBeGreaterThan(150);
    },
    300_000,
  );
});
