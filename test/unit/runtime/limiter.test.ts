import { describe, expect, it } from '@jest/globals';
import { Limiter } from '../../../src/runtime/limiter.js';
import { flush } from '../../support/fake-clock.js';

const never = new AbortController().signal;

/** A promise and how to end it. */
function gate(): { readonly wait: Promise<void>; readonly open: () => void } {
  let open = (): void => undefined;
  const wait = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { wait, open };
}

describe('Limiter', () => {
  it('lets so many run at once, and the next one when one has ended or failed', async () => {
    const limiter = new Limiter(1);
    const first = gate();
    const begun: string[] = [];
    const failing = limiter.run(async () => {
      begun.push('first');
      await first.wait;
      throw new Error('broken');
    }, never);
    const second = limiter.run(() => Promise.resolve(begun.push('second')), never);
    await flush();
    expect(begun).toEqual(['first']);
    first.open();
    await expect(failing).rejects.toThrow('broken');
    await second;
    expect(begun).toEqual(['first', 'second']);
  });

  it('gives the place of work that waits for something else to others, and back to it before it goes on', async () => {
    const limiter = new Limiter(1);
    const [elsewhere, other] = [gate(), gate()];
    const order: string[] = [];
    const lending = limiter.run(async () => {
      order.push('lends');
      await limiter.lend(() => elsewhere.wait);
      order.push('goes on');
    }, never);
    const between = limiter.run(async () => {
      order.push('between');
      await other.wait;
    }, never);
    await flush();
    elsewhere.open();
    await flush();
    expect(order).toEqual(['lends', 'between']);
    other.open();
    await Promise.all([lending, between]);
    expect(order).toEqual(['lends', 'between', 'goes on']);
  });

  it('takes the place back where what was waited for fails, and then has as many as before', async () => {
    const limiter = new Limiter(1);
    const failing = limiter.run(() => limiter.lend(() => Promise.reject(new Error('no answer'))), never);
    await expect(failing).rejects.toThrow('no answer');
    const open = gate();
    let begun = 0;
    const jobs = [1, 2].map(() =>
      limiter.run(() => {
        begun += 1;
        return open.wait;
      }, never),
    );
    await flush();
    expect(begun).toBe(1);
    open.open();
    await Promise.all(jobs);
  });

  it('lets go of who gives up while waiting', async () => {
    const limiter = new Limiter(1);
    const open = gate();
    const first = limiter.run(() => open.wait, never);
    const controller = new AbortController();
    const gone = limiter.run(() => Promise.resolve(), controller.signal);
    const reason = new Error('given up');
    controller.abort(reason);
    await expect(gone).rejects.toBe(reason);
    open.open();
    await first;
    await expect(limiter.run(() => Promise.resolve('free'), never)).resolves.toBe('free');
  });
});
