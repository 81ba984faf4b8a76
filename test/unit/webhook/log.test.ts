import { afterEach, describe, expect, it } from '@jest/globals';

import { systemClock } from '../../../src/core/clock.js';
import type { Logger } from '../../../src/core/log.js';
import { PATH, call, sign, startEdge, type Edge } from './fakes.js';

let edge: Edge | undefined;
afterEach(async () => {
  await edge?.server.close();
  edge = undefined;
});

describe('the log', () => {
  it('gets one line a minute about bodies over the limit, which any stranger can send', async () => {
    const lines: unknown[] = [];
    const write = (message: string, fields?: unknown): void => void lines.push({ message, fields });
    const log: Logger = { error: write, warn: write, info: write, debug: write, child: () => log };
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
      { message: 'body over the limit', fields: { declared: '101', limit: 100, count: 1 } },
      { message: 'body over the limit', fields: { declared: '101', limit: 100, count: 5 } },
    ]);
  });
});
