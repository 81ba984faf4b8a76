import { afterEach, describe, expect, it } from '@jest/globals';
import { systemClock } from '../../../src/kit/clock.js';
import type { Delivery } from '../../../src/core/ports/delivery.js';
import type { Logger } from '../../../src/kit/log.js';
import { APP_ID, FakeDelivery, PATH, aBody, aMessage, call, post, sign, startEdge, type Edge } from './fakes.js';

let edge: Edge | undefined;
afterEach(async () => {
  await edge?.server.close();
  edge = undefined;
});

interface Line {
  readonly level: string;
  readonly message: string;
  readonly fields: unknown;
}

function aLog(): { readonly log: Logger; readonly lines: Line[] } {
  const lines: Line[] = [];
  const at = (level: string) => (message: string, fields?: unknown) => void lines.push({ level, message, fields });
  const log: Logger = { error: at('error'), warn: at('warn'), info: at('info'), debug: at('debug'), child: () => log };
  return { log, lines };
}

describe('the log', () => {
  it('gets one line a minute about bodies over the limit, which any stranger can send', async () => {
    const { log, lines } = aLog();
    let laterMs = 0;
    const clock = { ...systemClock, monotonicMs: (): number => systemClock.monotonicMs() + laterMs };
    edge = await startEdge({ limits: { maxBodyBytes: 100 }, clock, log });
    const { port, observed } = edge;
    const tooLarge = async (): Promise<void> => {
      const headers = { 'X-Hub-Signature-256': sign('x'), 'Content-Length': '101' };
      expect((await call(port, { path: PATH, headers, body: 'x'.repeat(101) })).status).toBe(413);
    };

    for (let i = 0; i < 5; i++) await tooLarge();
    laterMs = 60_000;
    await tooLarge();

    expect(observed.counts['refused:too_large']).toBe(6);
    expect(lines).toEqual([
      { level: 'warn', message: 'body over the limit', fields: { declared: '101', limit: 100, count: 1 } },
      { level: 'warn', message: 'body over the limit', fields: { declared: '101', limit: 100, count: 5 } },
    ]);
  });

  it('tells of a signed body that Meta would not send, once a minute, and of other objects only to those who debug', async () => {
    const { log, lines } = aLog();
    edge = await startEdge({ log });

    for (const body of ['[]', '{}', '{"object":"instagram","entry":[]}']) await post(edge.port, body);

    expect(lines).toEqual([
      { level: 'warn', message: 'signed body ignored', fields: { appId: APP_ID, why: 'no_object', bytes: 2, count: 1 } },
      { level: 'debug', message: 'signed body is not about a page', fields: { appId: APP_ID, why: 'instagram', bytes: 33 } },
    ]);
  });

  it('gets an error for a delivery that fails, which costs its POST a repeat and is answered once', async () => {
    const { log, lines } = aLog();
    edge = await startEdge({ log });
    const { delivery, port, server, observed } = edge;
    let decide: Parameters<Delivery['deliver']>[1] = () => undefined;
    delivery.deliver = (_, decided): void => {
      decide = decided;
      throw new Error('a bug');
    };

    expect((await post(port, aBody(aMessage('m1')))).status).toBe(503);
    decide('unavailable');
    delivery.deliver = FakeDelivery.prototype.deliver.bind(delivery);
    expect((await post(port, aBody(aMessage('m2')))).status).toBe(200);

    expect(server.inFlight).toBe(0);
    expect(observed.counts['answered:503']).toBe(1);
    expect(lines).toMatchObject([{ level: 'error', message: 'handling a signed POST failed unexpectedly' }]);
  });

  it('tells of an entry that was given up because nobody decided where it goes', async () => {
    const { log, lines } = aLog();
    edge = await startEdge({ log });
    edge.lookup.answers.set(`${APP_ID}/77`, { kind: 'not_yet', why: 'claim_undecided' });
    const body = (timeMs: number): string =>
      `{"object":"page","entry":[{"id":"77","time":${timeMs},"messaging":[{"message":{"text":"private"}}]}]}`;

    expect((await post(edge.port, body(Date.now() - 60_000))).status).toBe(503);
    expect((await post(edge.port, body(Date.now() - 30 * 60_000))).status).toBe(200);

    expect(lines).toEqual([
      {
        level: 'warn',
        message: 'dropped an entry: its destination stayed undecided for too long',
        fields: { pageId: '77', why: 'claim_undecided', count: 1 },
      },
    ]);
  });
});
