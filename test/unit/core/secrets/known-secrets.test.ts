import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { KnownSecrets, type Span } from '../../../../src/core/secrets/known-secrets.js';
import { Redactor } from '../../../../src/core/secrets/redact.js';
import { secretForms } from '../../../../src/core/secrets/secret-forms.js';
import { Secret } from '../../../../src/core/secrets/secret.js';

const secretOf = (value: string): Secret => new Secret('bearer', value);

/** What is promised, without an index: every place of every form of every value. */
function straightforward(text: string, values: readonly string[]): readonly Span[] {
  const spans: Span[] = [];
  for (const form of new Set(values.flatMap((value) => secretForms(value)))) {
    for (let start = text.indexOf(form); start >= 0; start = text.indexOf(form, start + 1)) {
      spans.push({ start, end: start + form.length });
    }
  }
  return inOrder(spans);
}

function inOrder(spans: readonly Span[]): readonly Span[] {
  const distinct = new Map(spans.map((span) => [`${span.start}-${span.end}`, span]));
  return [...distinct.values()].sort((a, b) => a.start - b.start || a.end - b.end);
}

/** Before there was an index: longest form first, one after the other. */
function oneAfterTheOther(text: string, values: readonly string[]): string {
  const found = values.flatMap((value) => secretForms(value)).filter((form) => text.includes(form));
  found.sort((a, b) => b.length - a.length);
  return found.reduce((left, form) => left.replaceAll(form, '[redacted]'), text);
}

/**
 * Few characters, so that values begin, end and contain one another; some that every encoding
 * changes.
 */
const fewLetters = fc.string({ unit: fc.constantFrom('a', 'b', '/', '+', '"', 'ü', '😀'), minLength: 1, maxLength: 80 });
const sharedPrefix = fc.tuple(fc.constantFrom('EAAGm0PX4ZCpsBAKZCabcdefghijk', 'x'.repeat(64)), fewLetters).map((parts) => parts.join(''));
const value = fc.oneof(fewLetters, sharedPrefix, fc.string({ minLength: 1, maxLength: 200 }));

/** A text that holds forms of the values, whole and cut, between other pieces. */
function textWith(values: readonly string[]): fc.Arbitrary<string> {
  const form = fc.constantFrom(...values.flatMap((one) => secretForms(one)));
  const cut = fc.tuple(form, fc.nat(30)).map(([text, at]) => text.slice(at));
  const within = fc.tuple(fc.string({ maxLength: 4 }), form).map(([before, text]) => Buffer.from(before + text).toString('base64'));
  return fc.array(fc.oneof(form, cut, within, fewLetters, fc.string({ maxLength: 20 })), { maxLength: 8 }).map((parts) => parts.join(''));
}

const valuesAndText = fc.array(value, { minLength: 1, maxLength: 12 }).chain((values) => fc.tuple(fc.constant(values), textWith(values)));

describe('KnownSecrets', () => {
  it('finds exactly what a search for each form of each value finds', () => {
    fc.assert(
      fc.property(valuesAndText, ([values, text]) => {
        const known = new KnownSecrets();
        for (const one of values) known.add(secretOf(one));
        expect(inOrder(known.spansIn(text, 'all'))).toEqual(straightforward(text, values));
      }),
      { numRuns: 500 },
    );
  });

  it('leaves the same text as replacing one form after the other did, where no two of them overlap', () => {
    let compared = 0;
    fc.assert(
      fc.property(valuesAndText, ([all, raw]) => {
        // Shorter ones were found in the replacement itself.
        const values = all.filter(({ length }) => length >= 6);
        const text = raw.replace(/[\p{Cc}\p{Cf}]/gu, '').trim();
        const spans = straightforward(text, values);
        fc.pre(!/EAA|redact/.test(text) && spans.every((one, at) => spans.slice(at + 1).every((next) => next.start >= one.end)));
        compared += 1;
        const known = new KnownSecrets();
        for (const one of values) known.add(secretOf(one));
        expect(new Redactor({ known, max: 100_000 }).text(text)).toBe(oneAfterTheOther(text, values));
      }),
      { numRuns: 300 },
    );
    expect(compared).toBe(300);
  });

  it('finds the same after values have come and gone, whatever the order', () => {
    const step = fc.tuple(fc.constantFrom('add', 'remove'), fc.nat(11));
    fc.assert(
      fc.property(valuesAndText, fc.array(step, { maxLength: 60 }), ([values, text], steps) => {
        const known = new KnownSecrets({ minFormer: 0 });
        const holders = new Map<string, number>();
        for (const [what, at] of steps) {
          const one = values[at % values.length] ?? '';
          const held = holders.get(one) ?? 0;
          if (what === 'add') known.add(secretOf(one));
          else known.remove(secretOf(one));
          holders.set(one, Math.max(0, held + (what === 'add' ? 1 : -1)));
        }
        const inUse = [...holders].filter(([, held]) => held > 0).map(([one]) => one);
        const found = inOrder(known.spansIn(text, 'all'));
        // As many former values as there are values in use may still be known.
        expect(found).toEqual(expect.arrayContaining([...straightforward(text, inUse)]));
        expect(straightforward(text, values)).toEqual(expect.arrayContaining([...found]));
        expect(known.size).toBeLessThanOrEqual(2 * inUse.length);
      }),
      { numRuns: 200 },
    );
  });

  it('keeps every value in use, however many', () => {
    const known = new KnownSecrets();
    for (let n = 0; n < 20_500; n++) known.add(secretOf(`value-in-use-${n}`));
    expect(known.size).toBe(20_500);
    expect(known.spansIn('the value-in-use-0', 'all')).toContainEqual({ start: 4, end: 18 });
  });

  it('forgets former values, those first that were given up first, when they outnumber the ones in use', () => {
    const known = new KnownSecrets({ minFormer: 1 });
    for (let n = 0; n < 9; n++) known.add(secretOf(`value-in-use-${n}`));
    for (let n = 0; n < 8; n++) known.remove(secretOf(`value-in-use-${n}`));
    expect(known.size).toBe(2);
    expect(known.spansIn('value-in-use-0', 'all')).toEqual([]);
    expect(known.spansIn('value-in-use-7', 'all')).toContainEqual({ start: 0, end: 14 });
  });

  it('counts holders: a value added twice is in use until it was removed twice', () => {
    const known = new KnownSecrets({ minFormer: 0 });
    for (let n = 0; n < 2; n++) known.add(secretOf('twiceadded'));
    known.remove(secretOf('twiceadded'));
    expect(known.spansIn('twiceadded', 'all')).not.toEqual([]);
    known.remove(secretOf('twiceadded'));
    expect(known.spansIn('twiceadded', 'all')).toEqual([]);
  });

  it('holds a value that is longer than any text, and goes on', () => {
    const known = new KnownSecrets();
    known.add(secretOf('x'.repeat(900_000)));
    expect(known.spansIn('x'.repeat(1_000), 'all')).toEqual([]);
  });

  it('ignores an empty secret, and one that was never added', () => {
    const known = new KnownSecrets();
    known.add(secretOf(''));
    known.remove(secretOf('never'));
    expect(known.size).toBe(0);
    expect(known.spansIn('never', 'all')).toEqual([]);
  });
});
