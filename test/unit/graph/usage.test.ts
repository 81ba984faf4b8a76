import { describe, expect, it } from '@jest/globals';
import { usageIn } from '../../../src/graph/usage.js';

const business = (value: unknown) => ({ 'x-business-use-case-usage': JSON.stringify(value) });

describe('usageIn', () => {
  it.each([
    ['nothing', {}, { appPercent: undefined, pagePercent: undefined, regainMs: 0 }],
    [
      'the app header',
      { 'x-app-usage': '{"call_count":28,"total_time":25,"total_cputime":31}' },
      { appPercent: 31, pagePercent: undefined, regainMs: 0 },
    ],
    ['old names', { 'x-app-usage': '{"call_volume":12,"cpu_time":7}' }, { appPercent: 12, pagePercent: undefined, regainMs: 0 }],
    ['a bare number', { 'x-app-usage': '42' }, { appPercent: 42, pagePercent: undefined, regainMs: 0 }],
    [
      'the page header',
      { 'x-page-usage': '{"call_count":2,"total_cputime":1,"total_time":1}' },
      { appPercent: undefined, pagePercent: 2, regainMs: 0 },
    ],
    [
      'the business header, keyed by a page id',
      business({
        '112130216863063': [{ type: 'pages', call_count: 100, total_cputime: 25, total_time: 25, estimated_time_to_regain_access: 19 }],
      }),
      { appPercent: undefined, pagePercent: 100, regainMs: 19 * 60_000 },
    ],
    [
      'several objects and types: the longest wait counts',
      business({
        1: [
          { type: 'pages', call_count: 1 },
          { type: 'messenger', call_count: 7, estimated_time_to_regain_access: 3 },
        ],
        2: [{ estimated_time_to_regain_access: 5 }],
      }),
      { appPercent: undefined, pagePercent: 7, regainMs: 5 * 60_000 },
    ],
    ['numbers as texts', { 'x-app-usage': '{"call_count":"81"}' }, { appPercent: 81, pagePercent: undefined, regainMs: 0 }],
    [
      'a wait beyond reason',
      business({ 1: [{ estimated_time_to_regain_access: 1e9 }] }),
      { appPercent: undefined, pagePercent: undefined, regainMs: 86_400_000 },
    ],
    [
      'a negative wait',
      business({ 1: [{ estimated_time_to_regain_access: -5 }] }),
      { appPercent: undefined, pagePercent: undefined, regainMs: 0 },
    ],
    ['no JSON', { 'x-app-usage': '<x>', 'x-business-use-case-usage': '[' }, { appPercent: undefined, pagePercent: undefined, regainMs: 0 }],
    [
      'other shapes',
      { 'x-app-usage': '[1]', 'x-page-usage': 'null', ...business({ 1: 'x', 2: [null, 3] }) },
      { appPercent: undefined, pagePercent: 3, regainMs: 0 },
    ],
    [
      'a header that is too long',
      { 'x-app-usage': `{"call_count":99,"x":"${'x'.repeat(20_000)}"}` },
      { appPercent: undefined, pagePercent: undefined, regainMs: 0 },
    ],
  ])('reads %s', (_name, headers, usage) => {
    expect(usageIn(headers)).toEqual(usage);
  });
});
