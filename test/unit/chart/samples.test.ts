import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { installed, manifestsOf } from './rendered.js';

const files = readdirSync('deploy/samples', { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.yaml') && !name.endsWith('services.yaml'))
  .map((name) => join('deploy/samples', name));
const samples = files.flatMap((file) => manifestsOf(readFileSync(file, 'utf8')));

describe('deploy/samples', () => {
  it('shows both kinds, in a namespace', () => {
    const ours = samples.filter(({ apiVersion }) => apiVersion === 'messenger-operator.dev/v1alpha1');

    expect(new Set(ours.map(({ kind }) => kind))).toEqual(new Set(['MessengerApp', 'MessengerPage']));
    expect(ours.filter(({ metadata }) => metadata.namespace === undefined)).toEqual([]);
  });

  it('holds no secret that could be a real one', () => {
    const values = samples.flatMap((one) => Object.values((one as { stringData?: Record<string, string> }).stringData ?? {}));

    expect(values.length).toBeGreaterThan(5);
    expect(values.filter((value) => !value.startsWith('replace-with-') && value !== 'team=clinic')).toEqual([]);
  });

  it('names roles, ServiceAccounts, Services and CA that the chart makes', () => {
    const text = files.map((file) => readFileSync(file, 'utf8')).join('\n');
    const names = new Set(installed.map(({ metadata }) => metadata.name));
    const used = new Set(text.match(/\bmessenger-operator-(?:bot|webhook|pages-api)\b(?!-)/g));

    expect(used.size).toBe(3);
    expect([...used].filter((name) => !names.has(name))).toEqual([]);
  });
});
