import { describe, expect, it } from '@jest/globals';
import type { BackendTarget } from '../../../../src/core/ports/page-lookup.js';
import { Backends } from '../../../../src/delivery/bot/backends.js';
import { DEFAULT_DELIVERY_LIMITS } from '../../../../src/delivery/limits.js';
import { FakeClock } from '../../../support/fake-clock.js';

const MAX_BACKENDS = 10_000;

describe('Backends', () => {
  it('forgets the backend known for longest, even for a target object that it has served', () => {
    const backends = new Backends(new FakeClock(), DEFAULT_DELIVERY_LIMITS, () => undefined);
    const target = urlOf(0);
    for (let i = 0; i < DEFAULT_DELIVERY_LIMITS.circuitFailures; i++) backends.went(target, false);
    for (let i = 1; i < MAX_BACKENDS; i++) backends.enter(urlOf(i));
    expect(backends.enter(target)).toBe(false);

    backends.enter(urlOf(MAX_BACKENDS));

    expect(backends.enter(target)).toBe(true);
  });
});

function urlOf(i: number): BackendTarget {
  return { kind: 'url', url: `https://bot-${i}.example/` };
}
