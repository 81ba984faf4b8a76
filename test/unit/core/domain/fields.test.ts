import { describe, expect, it } from '@jest/globals';
import { DEFAULT_SUBSCRIBED_FIELDS } from '../../../../src/api/v1alpha1/constants.js';
import { isKnownPageField, nearestField, PAGE_FIELDS } from '../../../../src/core/domain/fields.js';

describe('page fields', () => {
  it('are the 104 of the SDK spec, each once, and hold the defaults', () => {
    expect(PAGE_FIELDS).toHaveLength(104);
    expect(new Set(PAGE_FIELDS).size).toBe(104);
    expect(DEFAULT_SUBSCRIBED_FIELDS.every(isKnownPageField)).toBe(true);
  });

  it.each([
    ['mentions', 'mention'],
    ['messaging_referral', 'messaging_referrals'],
    ['messaging_handover', 'messaging_handovers'],
    ['message_edit', 'message_edits'],
    ['Messages', 'messages'],
    ['mesages', 'messages'],
  ])('nearestField(%s) is %s', (name, want) => {
    expect(isKnownPageField(name)).toBe(false);
    expect(nearestField(name)).toBe(want);
  });

  it.each(['qqqqqqqqqqqqqqqq', 'x', 'completely_unrelated_thing_of_ours'])('nearestField(%s) is none', (name) => {
    expect(nearestField(name)).toBeUndefined();
  });
});
