import { Writable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { openContext } from '../../../src/app/context.js';
import { Secret } from '../../../src/core/secrets/secret.js';
import { FakeClock } from '../../support/fake-clock.js';

const APP_SECRET = '0123456789abcdef0123456789abcdef';

function setUp() {
  const written: string[] = [];
  const stderr = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      written.push(chunk.toString());
      done();
    },
  });
  const io = {
    ...{ stdout: stderr, stderr, clock: new FakeClock(), version: 'test' },
    ...{ signal: new AbortController().signal, onCrash: () => undefined },
  };
  const process = openContext({ logLevel: 'info', logFormat: 'json' }, io);
  const lineOf = async (): Promise<Record<string, unknown>> => {
    await process.log.close();
    return JSON.parse(written.join('')) as Record<string, unknown>;
  };
  return { process, lineOf };
}

describe('the log of a process', () => {
  it('names every object and says what happened, whatever words a tenant makes Secrets of', async () => {
    const { process, lineOf } = setUp();
    for (const word of ['clinic', 'clinics', 'messages', 'PageClaimed', 'changed']) process.learn(new Secret('page-token', word));
    const line = { page: 'clinics/clinic-north', pageId: '104500000000001', reason: 'PageClaimed', fields: ['messages'] };
    process.log.info('page changed', line);

    expect(await lineOf()).toMatchObject({ message: 'page changed', ...line });
  });

  it('shows no value that nobody can guess in any field, and none at all in an error', async () => {
    const { process, lineOf } = setUp();
    process.learn(new Secret('app-secret', APP_SECRET));
    process.learn(new Secret('verify-token', 'verify-me'));
    process.log.error(`failed with ${APP_SECRET}`, {
      reason: APP_SECRET,
      page: `bots/a?appsecret=${APP_SECRET}`,
      error: new Error(`${APP_SECRET} and verify-me`),
    });

    const line = await lineOf();
    expect(JSON.stringify(line)).not.toMatch(/0123456789abcdef|verify-me/);
    expect(line['error']).toMatchObject({ message: '[redacted] and [redacted]' });
  });

  it('still takes out a value that is no longer in use', async () => {
    const { process, lineOf } = setUp();
    process.learn(new Secret('app-secret', APP_SECRET));
    process.forget(new Secret('app-secret', APP_SECRET));
    process.log.error('failed', { error: new Error(APP_SECRET) });

    expect(JSON.stringify(await lineOf())).not.toContain(APP_SECRET);
  });
});
