import { readdirSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { systemClock } from '../../../src/kit/clock.js';
import { NotLeaderError } from '../../../src/core/domain/errors.js';
import { StateLock, StateLockedError } from '../../../src/folder/state-lock.js';
import { temporaryFolder } from './fixtures.js';

const NO_PROCESS = 2 ** 22 + 7;

function held(folder: string, holder: { pid: number; host?: string }): void {
  writeFileSync(join(folder, 'lock'), JSON.stringify({ token: 'other', host: hostname(), ...holder }));
}

describe('StateLock', () => {
  it('is held by one process at a time, and free after it was released', () => {
    const folder = temporaryFolder();
    const lock = new StateLock(folder, systemClock);
    lock.acquire();
    lock.check();
    expect(readdirSync(folder)).toEqual(['lock']);
    lock.release();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('is refused while the process that holds it is alive', () => {
    const folder = temporaryFolder();
    held(folder, { pid: process.ppid });
    expect(() => {
      new StateLock(folder, systemClock).acquire();
    }).toThrow(StateLockedError);
  });

  it.each<[string, { pid: number; host?: string }, number]>([
    ['a process that is gone', { pid: NO_PROCESS }, 0],
    ['a process that had our number, in a container', { pid: process.pid }, 0],
    ['a machine that stopped touching it', { pid: 1, host: 'elsewhere' }, 31_000],
    ['a process whose number another one has now', { pid: process.ppid }, 31_000],
  ])('is taken over from %s', (_, holder, laterMs) => {
    const folder = temporaryFolder();
    held(folder, holder);
    const lock = new StateLock(folder, { ...systemClock, nowMs: () => systemClock.nowMs() + laterMs });
    lock.acquire();
    lock.check();
    lock.release();
  });

  it('is refused while another machine touches it', () => {
    const folder = temporaryFolder();
    held(folder, { pid: 1, host: 'elsewhere' });
    expect(() => {
      new StateLock(folder, systemClock).acquire();
    }).toThrow(/in use by process 1 on elsewhere/);
  });

  it('lets nothing be written once it was lost', () => {
    const folder = temporaryFolder();
    const lock = new StateLock(folder, systemClock);
    lock.acquire();
    held(folder, { pid: process.ppid });

    expect(() => {
      lock.check();
    }).toThrow(NotLeaderError);
    lock.release();
    expect(readdirSync(folder)).toEqual(['lock']);
  });

  it('takes over a lock file that makes no sense', () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'lock'), '{');
    const lock = new StateLock(folder, systemClock);
    lock.acquire();
    lock.release();
  });
});
