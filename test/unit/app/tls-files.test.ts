import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { tlsFiles } from '../../../src/app/tls-files.js';
import type { TlsPair } from '../../../src/kit/tls-pair.js';
import { silentLogger } from '../../../src/kit/log.js';
import { FakeClock } from '../../support/fake-clock.js';
import { temporaryFolder } from '../folder/fixtures.js';

function setUp() {
  const folder = temporaryFolder();
  const [cert, key] = [join(folder, 'tls.crt'), join(folder, 'tls.key')];
  writeFileSync(cert, 'cert-1');
  writeFileSync(key, 'key-1');
  const [clock, life, errors] = [new FakeClock(), new AbortController(), [] as string[]];
  const log = { ...silentLogger, error: (message: string) => errors.push(message) };
  const files = tlsFiles({ cert, key }, { clock, log, signal: life.signal });
  if (files === undefined) throw new Error('no files');
  return { cert, key, clock, life, errors, files };
}

describe('TlsFiles', () => {
  it('hands on a renewed pair once, until its signal is aborted', async () => {
    const { cert, key, clock, life, files } = setUp();
    const taken: TlsPair[] = [];
    files.follow((pair) => taken.push(pair));
    await clock.advance(20_000);
    expect(taken).toEqual([]);

    writeFileSync(cert, 'cert-2');
    writeFileSync(key, 'key-2');
    await clock.advance(20_000);
    expect(taken).toEqual([{ cert: 'cert-2', key: 'key-2' }]);

    life.abort();
    writeFileSync(cert, 'cert-3');
    await clock.advance(20_000);
    expect(taken).toHaveLength(1);
    expect(clock.pendingTimers).toBe(0);
  });

  it('stays with the old pair when the new one is refused, and takes the next', async () => {
    const { cert, clock, files, errors } = setUp();
    const taken: string[] = [];
    files.follow((pair) => {
      if (pair.cert === 'bad') throw new Error('no certificate');
      taken.push(pair.cert);
    });
    writeFileSync(cert, 'bad');
    await clock.advance(5_000);
    writeFileSync(cert, 'good');
    await clock.advance(5_000);
    expect(taken).toEqual(['good']);
    expect(errors).toEqual(['the certificate cannot be used; the old one stays']);
  });

  it('is nothing without a certificate', () => {
    const rest = { clock: new FakeClock(), log: silentLogger, signal: new AbortController().signal };
    expect(tlsFiles({ cert: undefined, key: undefined }, rest)).toBeUndefined();
    expect(() => tlsFiles({ cert: '/nowhere', key: '/nowhere' }, rest)).toThrow('ENOENT');
  });
});
