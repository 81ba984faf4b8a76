import { describe, expect, it } from '@jest/globals';
import { labelRequirements, matchesLabels, parseLabelSelector } from '../../../../src/core/domain/label-selector.js';

function selects(text: string, labels: Record<string, string>): boolean {
  const parsed = parseLabelSelector(text);
  if (!parsed.ok) throw new Error(parsed.problem);
  return matchesLabels(parsed.requirements, labels);
}

describe('parseLabelSelector', () => {
  it.each<[string, boolean, string, Record<string, string>]>([
    ['an empty text selects everything', true, '', {}],
    ['equality', true, 'bot=a', { bot: 'a' }],
    ['double equality, blanks and a prefix', true, ' example.com/bot == a ', { 'example.com/bot': 'a' }],
    ['equality with another value', false, 'bot=a', { bot: 'b' }],
    ['equality with an empty value', true, 'bot=', { bot: '' }],
    ['equality without the label', false, 'bot=', {}],
    ['inequality holds without the label', true, 'bot!=a', {}],
    ['inequality', false, 'bot!=a', { bot: 'a' }],
    ['several, all of which must hold', false, 'bot=a,tier=x', { bot: 'a' }],
    ['a set', true, 'bot in (a, b),tier', { bot: 'b', tier: '' }],
    ['not in a set', false, 'bot notin (a,b)', { bot: 'b' }],
    ['not in a set holds without the label', true, 'bot notin (a,b)', {}],
    ['presence', false, 'tier', { bot: 'a' }],
    ['absence', true, '!tier', { bot: 'a' }],
    ['a name that every object inherits is no label', false, 'constructor', {}],
  ])('%s is %p', (_name, want, text, labels) => {
    expect(selects(text, labels)).toBe(want);
  });

  it.each([
    'a=b=c',
    '=a',
    'a in b',
    'a in (b',
    'a,,b',
    'a b',
    'a>1',
    '!',
    'a in (b c)',
    '-a=b',
    `a=${'x'.repeat(64)}`,
    'x'.repeat(2_000),
    Array(30).fill('a').join(),
  ])('refuses %s', (text) => {
    expect(parseLabelSelector(text)).toMatchObject({ ok: false });
  });
});

describe('labelRequirements', () => {
  it('joins matchLabels and matchExpressions', () => {
    const requirements = labelRequirements({
      matchLabels: { bot: 'a' },
      matchExpressions: [
        { key: 'tier', operator: 'NotIn', values: ['x'] },
        { key: 'old', operator: 'DoesNotExist' },
      ],
    });
    if (requirements === undefined) throw new Error('no requirements');
    expect(matchesLabels(requirements, { bot: 'a', tier: 'y' })).toBe(true);
    expect(matchesLabels(requirements, { bot: 'a', tier: 'x' })).toBe(false);
    expect(matchesLabels(requirements, { bot: 'a', old: '' })).toBe(false);
  });

  it('tells an empty selector, which selects everything, from none', () => {
    expect(labelRequirements({})).toEqual([]);
    expect(labelRequirements(undefined)).toBeUndefined();
  });
});
