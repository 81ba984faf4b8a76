import { getEventListeners } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import { abortReason, linked, linkedToAll } from '../../../src/kit/abort.js';

const listeners = (signal: AbortSignal): number => getEventListeners(signal, 'abort').length;

describe('linked', () => {
  it('is aborted with its parent, before or after it was made, with the same reason', () => {
    const parent = new AbortController();
    const early = linked(parent.signal);
    const reason = new Error('enough');
    expect(early.signal.aborted).toBe(false);
    parent.abort(reason);
    expect(early.signal.reason).toBe(reason);
    expect(linked(parent.signal).signal.reason).toBe(reason);
  });

  it('is aborted by itself, which leaves its parent alone', () => {
    const parent = new AbortController();
    for (const own of [linked(parent.signal), linked(undefined)]) {
      expect(own.signal.aborted).toBe(false);
      own.abort('late');
      expect(own.signal.reason).toBe('late');
    }
    expect(parent.signal.aborted).toBe(false);
  });

  it('leaves nothing on its parent once it is cleared', () => {
    const parent = new AbortController();
    const own = linked(parent.signal);
    expect(listeners(parent.signal)).toBe(1);
    own.clear();
    expect(listeners(parent.signal)).toBe(0);
    parent.abort();
    expect(own.signal.aborted).toBe(false);
  });
});

describe('linkedToAll', () => {
  it('is aborted once the last of its parents is, with the reason of the first', () => {
    const [first, second] = [new AbortController(), new AbortController()];
    const own = linkedToAll([first.signal, second.signal]);
    second.abort('second');
    expect(own.signal.aborted).toBe(false);
    first.abort('first');
    expect(own.signal.reason).toBe('first');
  });

  it('leaves nothing on any of its parents once it is cleared', () => {
    const parents = [new AbortController(), new AbortController()].map(({ signal }) => signal);
    linkedToAll(parents).clear();
    expect(parents.map(listeners)).toEqual([0, 0]);
  });
});

describe('abortReason', () => {
  it('is the reason if that is an Error, else an Error of its own', () => {
    const reason = new Error('enough');
    expect(abortReason(AbortSignal.abort(reason))).toBe(reason);
    expect(abortReason(AbortSignal.abort('text'))).toEqual(new Error('aborted'));
  });
});
