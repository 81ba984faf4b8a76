import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { systemClock } from '../../../src/kit/clock.js';
import { silentLogger } from '../../../src/kit/log.js';
import type { FolderSource, Next } from '../../../src/folder/folder-source.js';
import { FolderWatch } from '../../../src/folder/folder-watch.js';
import { eventually } from '../../support/eventually.js';
import { FakeClock } from '../../support/fake-clock.js';
import { temporaryFolder } from './fixtures.js';

const lives: AbortController[] = [];
afterEach(() => {
  for (const life of lives.splice(0)) life.abort();
});

function setUp(options: { root?: string; clock?: typeof systemClock; next?: Next; pass?: () => Promise<Next> } = {}) {
  const { root = temporaryFolder(), clock = systemClock, next = 'later' } = options;
  const state = { passes: 0 };
  const source = {
    pass: () => {
      state.passes++;
      return options.pass?.() ?? Promise.resolve(next);
    },
  } as unknown as FolderSource;
  const life = new AbortController();
  lives.push(life);
  const watch = new FolderWatch({ root, source, clock, log: silentLogger, rescanMs: 3_600_000, confirmMs: 10_000 });
  return { root, watch, life, state };
}

describe('FolderWatch', () => {
  it('looks when a file is written, anywhere below the folder', async () => {
    const { root, watch, life, state } = setUp();
    mkdirSync(join(root, 'team'));
    await watch.start(life.signal);
    expect(state.passes).toBe(1);

    writeFileSync(join(root, 'team', 'page.yaml'), 'kind: A');

    await eventually(() => state.passes > 1);
  });

  it('looks when the link of a mounted ConfigMap is switched', async () => {
    const { root, watch, life, state } = setUp();
    mkdirSync(join(root, '..1'));
    mkdirSync(join(root, '..2'));
    symlinkSync('..1', join(root, '..data'));
    await watch.start(life.signal);
    const before = state.passes;

    symlinkSync('..2', join(root, '..data_tmp'));
    renameSync(join(root, '..data_tmp'), join(root, '..data'));

    await eventually(() => state.passes > before);
  });

  it('looks again after a while when nothing tells of a change, also at a folder that cannot be watched', async () => {
    const clock = new FakeClock();
    const { watch, life, state } = setUp({ root: '/nonexistent', clock });
    await watch.start(life.signal);
    await clock.advance(3_600_000);
    expect(state.passes).toBe(2);
    await clock.advance(3_600_000);
    expect(state.passes).toBe(3);
  });

  it('looks again in time for what waits to be confirmed', async () => {
    const clock = new FakeClock();
    const { watch, life, state } = setUp({ clock, next: 'soon' });
    await watch.start(life.signal);
    await clock.advance(10_001);
    expect(state.passes).toBe(2);
  });

  it('takes many requests for one look, and never looks twice at once', async () => {
    const clock = new FakeClock();
    let running = 0;
    const pass = async (): Promise<Next> => {
      expect(++running).toBe(1);
      await Promise.resolve();
      running--;
      return 'later';
    };
    const { watch, life, state } = setUp({ root: '/nonexistent', clock, pass });
    await watch.start(life.signal);
    for (let i = 0; i < 10; i++) watch.poke();
    await clock.advance(1_000);
    expect(state.passes).toBe(2);
  });

  it('does not forget what changed while it was looking', async () => {
    const clock = new FakeClock();
    let finish: (() => void) | undefined;
    const pass = (): Promise<Next> =>
      new Promise((resolve) => {
        finish = () => {
          resolve('later');
        };
      });
    const { watch, life, state } = setUp({ root: '/nonexistent', clock, pass });
    const started = watch.start(life.signal);
    watch.poke();
    finish?.();
    await started;
    await clock.advance(1_000);
    expect(state.passes).toBe(2);
  });

  it('ends with its signal', async () => {
    const clock = new FakeClock();
    const { watch, life, state } = setUp({ root: '/nonexistent', clock });
    await watch.start(life.signal);
    life.abort();
    watch.poke();
    await clock.advance(10 * 3_600_000);
    expect(state.passes).toBe(1);
  });
});
