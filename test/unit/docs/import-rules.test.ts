import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

/** One file a rule, each breaking just that one. */
const BREAKS: Readonly<Record<string, readonly [path: string, source: string]>> = {
  'core-imports': ['src/core/bad.ts', "import '../k8s/target.js';"],
  'webhook-imports': ['src/webhook/bad.ts', "import '../k8s/target.js';"],
  'graph-imports': ['src/graph/bad.ts', "import '../runtime/target.js';"],
  'observability-imports': ['src/observability/bad.ts', "import '../k8s/target.js';"],
  'client-imports': ['src/client/bad.ts', "import '../core/target.js';"],
  'kinds-are-independent': ['src/controller/one/bad.ts', "import '../two/target.js';"],
  'bot-knows-no-post': ['src/delivery/bot/bad.ts', "import '../direct/target.js';"],
  'main-imports-cli-only': ['src/main.ts', "import './app/target.js';"],
  'src-never-imports-test': ['src/app/bad-test.ts', "import '../../test/target.js';"],
  'core-imports-no-package': ['src/core/bad-package.ts', "import 'yaml';"],
  'only-one-door-to-axios': ['src/app/bad-axios.ts', "import 'axios';"],
  'only-one-door-to-undici': ['src/k8s/bad-undici.ts', "import 'undici';"],
  'only-one-door-to-express': ['src/webhook/bad-express.ts', "import 'express';"],
  'only-one-door-to--kubernetes-client-node': ['src/folder/bad-client.ts', "import '@kubernetes/client-node';"],
  'only-one-door-to-prom-client': ['src/app/bad-prom.ts', "import 'prom-client';"],
  'only-one-door-to-winston': ['src/observability/bad-winston.ts', "import 'winston';"],
  'only-one-door-to-ajv': ['src/k8s/bad-ajv.ts', "import 'ajv';"],
  'only-one-door-to--marcbachmann-cel-js': ['src/k8s/bad-cel.ts', "import '@marcbachmann/cel-js';"],
  'only-one-door-to-zod': ['src/app/bad-zod.ts', "import 'zod';"],
  'no-circular': ['src/app/circle-a.ts', "import type { B } from './circle-b.js'; export interface A { b: B }"],
  'no-circular-test': ['test/circle-a.ts', "import { b } from './circle-b.js'; export const a = b;"],
};

/** What no rule forbids. */
const ALLOWED = [
  ['src/k8s/observer.ts', 'export const LABELS = 1;'],
  ['src/observability/good-label.ts', "import '../k8s/observer.js';"],
  ['src/observability/good-type.ts', "import type { x } from '../k8s/target.js'; export type X = typeof x;"],
] as const;

const TARGETS = ['src/k8s', 'src/runtime', 'src/core', 'src/app', 'src/controller/two', 'src/delivery/direct', 'test'].map(
  (folder) => `${folder}/target.ts`,
);

describe('the import rules', () => {
  let folder: string;
  let broken: Set<string>;
  let breakers: readonly string[];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'import-rules-'));
    const files = [...Object.values(BREAKS), ...TARGETS.map((path) => [path, 'export const x = 1;'] as const)];
    files.push(
      ['src/app/circle-b.ts', "import type { A } from './circle-a.js'; export interface B { a: A }"],
      ['test/circle-b.ts', "import { a } from './circle-a.js'; export const b = a;"],
      ...ALLOWED,
      ['tsconfig.json', '{"compilerOptions":{"module":"nodenext"}}'],
    );
    for (const [path, source] of files) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), source);
    }
    await symlink(resolve('node_modules'), join(folder, 'node_modules'));
    const violations = await violationsIn(folder);
    broken = new Set(violations.map(({ rule }) => rule.name));
    breakers = violations.map(({ from }) => from);
  }, 60_000);

  afterAll(() => rm(folder, { recursive: true, force: true }));

  it.each(Object.keys(BREAKS))('%s refuses what it is for', (rule) => {
    expect(broken).toContain(rule);
  });

  it.each(ALLOWED.map(([path]) => path))('let %s be', (path) => {
    expect(breakers).not.toContain(path);
  });
});

interface Violation {
  readonly from: string;
  readonly rule: { readonly name: string };
}

function violationsIn(folder: string): Promise<readonly Violation[]> {
  const cruise = resolve('node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
  const args = [cruise, '--config', resolve('.dependency-cruiser.cjs'), '--output-type', 'json', 'src', 'test'];
  return new Promise((done) => {
    execFile(process.execPath, args, { cwd: folder, maxBuffer: 16 << 20 }, (_error, stdout) => {
      const { summary } = JSON.parse(stdout) as { summary: { violations: readonly Violation[] } };
      done(summary.violations);
    });
  });
}
