import type { LabelSelector } from '../../api/v1alpha1/types.gen.js';

/** One requirement of a selector; all of them must hold. */
export interface LabelRequirement {
  readonly key: string;
  readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
  /** Empty for the operators that take none. */
  readonly values: readonly string[];
}

export type LabelSelectorText =
  { readonly ok: true; readonly requirements: readonly LabelRequirement[] } | { readonly ok: false; readonly problem: string };

const NAME = '[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?';
const KEY = `(?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?/)?${NAME}`;
const VALUE = `(?:${NAME})?`;
const PRESENCE = new RegExp(`^(!?)\\s*(${KEY})$`);
const EQUALITY = new RegExp(`^(${KEY})\\s*(==|=|!=)\\s*(${VALUE})$`);
const SET = new RegExp(`^(${KEY})\\s+(in|notin)\\s*\\(([^()]*)\\)$`);
const ONE_VALUE = new RegExp(`^${VALUE}$`);

const MAX_TEXT = 1_024;
const MAX_REQUIREMENTS = 20;

/**
 * Reads a selector as kubectl's `-l` takes it, equality and set based: `app=a,tier!=b,env in
 * (x,y),!old`. An empty text selects everything. The problem names what is wrong, in a sentence for
 * the caller.
 */
export function parseLabelSelector(text: string): LabelSelectorText {
  if (text.length > MAX_TEXT) return { ok: false, problem: `a label selector has at most ${MAX_TEXT} characters` };
  if (text.trim() === '') return { ok: true, requirements: [] };
  const parts = splitOutsideParentheses(text);
  if (parts.length > MAX_REQUIREMENTS) return { ok: false, problem: `a label selector has at most ${MAX_REQUIREMENTS} requirements` };
  const requirements: LabelRequirement[] = [];
  for (const part of parts) {
    const requirement = parseRequirement(part.trim());
    if (requirement === undefined)
      return { ok: false, problem: `a requirement of the label selector is not understood: number ${requirements.length + 1}` };
    requirements.push(requirement);
  }
  return { ok: true, requirements };
}

/**
 * The same requirements out of a selector as it stands in an object. No selector at all selects
 * nothing: undefined.
 */
export function labelRequirements(selector: LabelSelector | undefined): readonly LabelRequirement[] | undefined {
  if (selector === undefined) return undefined;
  const equal = Object.entries(selector.matchLabels ?? {}).map(([key, value]) => ({ key, operator: 'In' as const, values: [value] }));
  const expressions = (selector.matchExpressions ?? []).map(({ key, operator, values }) => ({ key, operator, values: values ?? [] }));
  return [...equal, ...expressions];
}

/**
 * Whether labels meet every requirement, by Kubernetes' rules: `NotIn` holds for a label that is
 * not there.
 */
export function matchesLabels(requirements: readonly LabelRequirement[], labels: Readonly<Record<string, string>>): boolean {
  return requirements.every(({ key, operator, values }) => {
    const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
    switch (operator) {
      case 'In':
        return value !== undefined && values.includes(value);
      case 'NotIn':
        return value === undefined || !values.includes(value);
      case 'Exists':
        return value !== undefined;
      case 'DoesNotExist':
        return value === undefined;
    }
  });
}

function parseRequirement(text: string): LabelRequirement | undefined {
  return parseEquality(text) ?? parseSet(text) ?? parsePresence(text);
}

function parseEquality(text: string): LabelRequirement | undefined {
  const [, key, sign, value] = EQUALITY.exec(text) ?? [];
  if (key === undefined || value === undefined) return undefined;
  return { key, operator: sign === '!=' ? 'NotIn' : 'In', values: [value] };
}

function parseSet(text: string): LabelRequirement | undefined {
  const [, key, word, list] = SET.exec(text) ?? [];
  const values = list?.split(',').map((value) => value.trim());
  if (key === undefined || values?.every((value) => ONE_VALUE.test(value)) !== true) return undefined;
  return { key, operator: word === 'in' ? 'In' : 'NotIn', values };
}

function parsePresence(text: string): LabelRequirement | undefined {
  const [, not, key] = PRESENCE.exec(text) ?? [];
  return key === undefined ? undefined : { key, operator: not === '!' ? 'DoesNotExist' : 'Exists', values: [] };
}

function splitOutsideParentheses(text: string): readonly string[] {
  const parts: string[] = [];
  let depth = 0;
  let from = 0;
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '(') depth += 1;
    else if (text[at] === ')') depth -= 1;
    else if (text[at] === ',' && depth === 0) {
      parts.push(text.slice(from, at));
      from = at + 1;
    }
  }
  return [...parts, text.slice(from)];
}
