import { PassThrough, Writable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { TransientError } from '../../../src/core/domain/errors.js';
import { Secret } from '../../../src/core/secrets/secret.js';
import type { TextOrigin } from '../../../src/observability/log-value.js';
import { createLogger, type LoggerOptions } from '../../../src/observability/logger.js';
import { FakeClock } from '../../support/fake-clock.js';

const CANARY = 'EAACANARYcanary0123456789012345678901234';
const redact = (text: string): string => text.replaceAll(CANARY, '[redacted]');

/** Keeps what was written. */
class Lines extends Writable {
  text = '';
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
  get lines(): Record<string, unknown>[] {
    return this.text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  }
}

function setUp(options: Partial<LoggerOptions> = {}) {
  const stream = new Lines();
  const log = createLogger({ level: 'debug', format: 'json', stream, redact, clock: new FakeClock(), ...options });
  return { log, stream };
}

describe('createLogger', () => {
  it('writes one JSON object a line, with time, level, message and fields', async () => {
    const { log, stream } = setUp();
    log.info('subscribed page', { key: 'bots/a', fields: ['messages'] });
    log.child({ controller: 'messengerpage' }).warn('slow', { seconds: 3 });
    await log.close();

    expect(stream.lines).toEqual([
      { time: '2026-11-23T00:00:00.000Z', level: 'info', message: 'subscribed page', key: 'bots/a', fields: ['messages'] },
      { time: '2026-11-23T00:00:00.000Z', level: 'warn', message: 'slow', controller: 'messengerpage', seconds: 3 },
    ]);
  });

  it('leaves out what is below its level, and tells of what it writes', async () => {
    const levels: string[] = [];
    const { log, stream } = setUp({ level: 'warn', observe: (level) => void levels.push(level) });
    log.info('no');
    log.debug('no');
    log.warn('yes');
    log.error('yes');
    await log.close();

    expect(stream.lines.map((line) => line['level'])).toEqual(['warn', 'error']);
    expect(levels).toEqual(['warn', 'error']);
  });

  it('writes text for people, and no field can fake a line', async () => {
    const { log, stream } = setUp({ format: 'text' });
    log.info('hello\nworld', { key: 'bots/a', note: 'two words\n2026 ERROR forged', ok: true });
    await log.close();

    expect(stream.text).toBe('2026-11-23T00:00:00.000Z INFO  hello\\nworld key=bots/a note="two words\\n2026 ERROR forged" ok=true\n');
  });

  it('redacts every text: message, fields, keys, error, cause and stack', async () => {
    const { log, stream } = setUp();
    const cause = new Error(`refused ${CANARY}`);
    const error = new Error(`failed with ${CANARY}`, { cause });
    log.error(`message ${CANARY}`, {
      [CANARY]: 1,
      url: new URL(`https://graph.example/?access_token=${CANARY}`),
      list: [{ deep: CANARY }],
      error,
    });
    log.info('a secret', { token: new Secret('page-token', CANARY) });
    await log.close();

    expect(stream.text).not.toContain(CANARY);
    expect(stream.text).toContain('[redacted]');
    expect(stream.lines[0]).toMatchObject({
      error: { name: 'Error', message: 'failed with [redacted]', cause: { message: 'refused [redacted]' } },
    });
    expect(stream.lines[1]).toMatchObject({ token: '[redacted]' });
  });

  it('says of each text whether it names an object, is our own, or comes with an error', async () => {
    const seen: Record<string, string> = {};
    const note = (text: string, origin: TextOrigin): string => {
      seen[text] = origin;
      return text;
    };
    const { log } = setUp({ redact: note });
    log.info('page changed', {
      ...{ key: 'clinics/clinic-north', page: 'clinics/north', pageId: '1045', object: 'MessengerPage a/b', namespace: 'clinic' },
      ...{
        from: { namespace: 'left', name: 'right' },
        name: 'Not A Name',
        reason: 'PageClaimed',
        fields: ['messages'],
        problem: 'a problem',
      },
      error: new TransientError('GraphUnavailable', 'a sentence', { cause: Object.assign(new Error('why'), { code: 'E' }) }),
    });
    await log.close();

    expect(seen).toMatchObject({
      ...{ 'clinics/clinic-north': 'identity', 'clinics/north': 'identity', '1045': 'identity', 'MessengerPage a/b': 'identity' },
      ...{ clinic: 'identity', left: 'identity', right: 'identity' },
      ...{ 'page changed': 'own', 'Not A Name': 'own', PageClaimed: 'own', messages: 'own', GraphUnavailable: 'own', E: 'own' },
      ...{ 'a problem': 'foreign', 'a sentence': 'foreign', why: 'foreign' },
    });
  });

  it('shows an expected error by its sentence, never the request that a library hangs on an error', async () => {
    const { log, stream } = setUp();
    const library = Object.assign(new Error('Request failed'), {
      code: 'ERR_BAD_REQUEST',
      config: { headers: { authorization: 'tok' } },
      response: {},
    });
    log.error('reconcile failed', {
      error: new TransientError('GraphUnavailable', 'Graph did not answer', { cause: library, graphText: 'Graph 2: try later' }),
    });
    await log.close();

    expect(stream.text).not.toContain('authorization');
    expect(stream.lines[0]?.['error']).toEqual({
      name: 'TransientError',
      message: 'Graph did not answer',
      reason: 'GraphUnavailable',
      graphText: 'Graph 2: try later',
      cause: {
        name: 'Error',
        message: 'Request failed',
        code: 'ERR_BAD_REQUEST',
        stack: expect.stringContaining('Request failed') as unknown,
      },
    });
  });

  it('survives values that cannot be printed', async () => {
    const { log, stream } = setUp();
    const circle: Record<string, unknown> = { name: 'circle' };
    circle['self'] = circle;
    const hostile = {
      get boom(): never {
        throw new Error('getter');
      },
    };
    const chain = new Error('first');
    chain.cause = chain;
    log.info('odd', {
      circle,
      hostile,
      chain,
      big: 10n,
      nan: Number.NaN,
      bytes: Buffer.from(CANARY),
      map: new Map([['a', 1]]),
      at: new Date(Number.NaN),
      f: () => 1,
    });
    await log.close();

    expect(stream.lines[0]).toMatchObject({
      circle: { name: 'circle', self: '[circular]' },
      hostile: '[unreadable]',
      chain: { message: 'first', cause: '[circular]' },
      big: '10',
      nan: 'NaN',
      bytes: '[40 bytes]',
      map: { a: 1 },
      at: null,
      f: '[function]',
    });
  });

  it('bounds a line: depth, items and text', async () => {
    const { log, stream } = setUp();
    let deep: unknown = 'bottom';
    for (let i = 0; i < 50; i++) deep = { deep };
    log.info('large', { deep, many: Array.from({ length: 10_000 }, (_, i) => i), text: 'x'.repeat(1_000_000) });
    await log.close();

    expect(stream.text.length).toBeLessThan(10_000);
    expect(stream.text).not.toContain('bottom');
  });

  it('keeps its own names when a field has the same', async () => {
    const { log, stream } = setUp();
    log.info('mine', { level: 'theirs', message: 'theirs', time: 'theirs' });
    await log.close();

    expect(stream.lines[0]).toMatchObject({ level: 'info', message: 'mine', level_: 'theirs', message_: 'theirs', time_: 'theirs' });
  });

  it('never throws: not for a redaction that fails, not for a broken pipe', async () => {
    const broken = new Writable({
      write: (_chunk, _encoding, done) => {
        done(new Error('EPIPE'));
      },
    });
    const { log } = setUp({ stream: broken });
    expect(() => {
      log.error('one');
      log.error('two');
    }).not.toThrow();
    await log.close();

    const failing = setUp({
      redact: () => {
        throw new Error('redact');
      },
    });
    expect(() => {
      failing.log.error('three', { a: 'b' });
    }).not.toThrow();
    await failing.log.close();
    expect(failing.stream.text).not.toContain('three');
  });

  it('drops and counts lines that nobody reads, and says so when somebody reads again', async () => {
    const stream = new PassThrough({ highWaterMark: 1 });
    const { log } = setUp({ stream });
    for (let i = 0; i < 5_000; i++) log.info('filler', { text: 'x'.repeat(2_000) });
    expect(stream.writableLength).toBeLessThan(6_000_000);

    let text = '';
    stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
    await new Promise((resolve) => stream.once('drain', resolve));
    log.info('after');
    await log.close();

    expect(text).toContain('dropped log lines because standard error was not read');
    expect(text).toContain('"after"');
  });

  it('is silent after it was closed, and closes twice', async () => {
    const { log, stream } = setUp();
    log.info('before');
    await log.close();
    log.info('behind');
    await log.close();

    expect(stream.lines.map((line) => line['message'])).toEqual(['before']);
  });
});
