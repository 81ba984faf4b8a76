import { NotLeaderError } from '../core/domain/errors.js';
import type { WriteFence } from '../runtime/ports.js';

/** A process of a role that never writes. */
export const neverWrites: WriteFence = {
  check: () => {
    throw new NotLeaderError('this process never writes');
  },
};

/** A process that runs alone, by its user's word. */
export const writesAlone: WriteFence = { check: () => undefined };
