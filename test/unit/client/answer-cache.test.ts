import { afterEach, expect, it, jest } from '@jest/globals';
import { AnswerCache } from '../../../src/client/answer-cache.js';
import { PagesError } from '../../../src/client/errors.js';

afterEach(() => {
  jest.restoreAllMocks();
});

it('goes on for half a minute, not for an hour, while the credential is refused', async () => {
  let nowMs = 1_000;
  jest.spyOn(performance, 'now').mockImplementation(() => nowMs);
  const cache = new AnswerCache<string>({ cacheMs: 0, staleMs: 3_600_000 });
  await cache.get('1', () => Promise.resolve('token'));
  const refused = (): Promise<string> => Promise.reject(new PagesError('refused', { status: 401 }));

  expect(await cache.get('1', refused)).toBe('token');
  nowMs += 29_000;
  expect(await cache.get('1', refused)).toBe('token');
  nowMs += 1_000;
  await expect(cache.get('1', refused)).rejects.toMatchObject({ status: 401 });
  expect(await cache.get('1', () => Promise.resolve('another'))).toBe('another');
});
