import { describe, expect, it } from '@jest/globals';
import { findBug } from './batch.js';
import { BUGS, type Bug } from './bugs.js';

/** As many as CI runs without a bug, which keep every property (`histories.test.ts`). */
const HISTORIES = 1_000;

/** What each of them breaks. */
const BREAKS: Readonly<Record<Bug, readonly string[]>> = {
  finalizer_before_delete: ['left_subscribed'],
  lister_for_live: ['stale_write', 'not_equal', 'two_holders'],
  no_fence: ['fence'],
  deleted_are_successors: ['deleted_holder', 'left_subscribed'],
  secret_lost_on_relist: ['token_not_in_use'],
};

describe('the simulation', () => {
  it.each(BUGS)(
    'finds %s, put in on purpose',
    async (bug) => {
      expect(await findBug(bug, BREAKS[bug], HISTORIES)).toBeDefined();
    },
    600_000,
  );
});
