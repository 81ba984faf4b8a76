import { spawnSync } from 'node:child_process';
import { appendFileSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';

const SOURCES = ['crds', 'charts', 'deploy', 'docs/security.md', 'src/api', '.prettierrc.json'];
const TYPES = 'src/api/v1alpha1/types.gen.ts';
const copies: string[] = [];

afterEach(() => {
  for (const folder of copies.splice(0)) rmSync(folder, { recursive: true });
});

function aCopy(): string {
  const folder = mkdtempSync(join(tmpdir(), 'generated-'));
  copies.push(folder);
  for (const path of SOURCES) cpSync(path, join(folder, path), { recursive: true });
  return folder;
}

// Without helm: what helm renders is compared in the integration tests.
function generate(...args: readonly string[]): { readonly code: number | null; readonly said: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['scripts/generate.mjs', '--without-helm', ...args], { encoding: 'utf8' });
  return { code: status, said: stdout + stderr };
}

describe('npm run generate', () => {
  it('has been run: no generated file would change', () => {
    expect(generate('--check')).toMatchObject({ code: 0 });
  });

  it('names a generated file that was edited, mends it, and then has nothing to do', () => {
    const root = aCopy();
    const before = readFileSync(join(root, TYPES), 'utf8');
    appendFileSync(join(root, TYPES), '\nexport type Mine = string;\n');

    const check = generate('--check', '--root', root);
    const repair = generate('--root', root);

    expect(check).toMatchObject({ code: 1 });
    expect(check.said).toContain(TYPES);
    expect(repair.code).toBe(0);
    expect(readFileSync(join(root, TYPES), 'utf8')).toBe(before);
    expect(generate('--check', '--root', root).code).toBe(0);
  });

  it("carries a new field of a CRD to the types and to the chart's copy", () => {
    const root = aCopy();
    const crd = join(root, 'crds/messengerpages.yaml');
    const anchor = '                suspend:\n';
    const field = '                nickname:\n                  type: string\n                  description: What the team calls it.\n';
    writeFileSync(crd, readFileSync(crd, 'utf8').replace(anchor, field + anchor));

    generate('--root', root);

    expect(readFileSync(join(root, TYPES), 'utf8')).toContain('/** What the team calls it. */\n  readonly nickname?: string;');
    expect(readFileSync(join(root, 'charts/messenger-operator/templates/crds/messengerpages.yaml'), 'utf8')).toContain('nickname:');
  });

  it('refuses two shapes for one shared type', () => {
    const root = aCopy();
    const crd = join(root, 'crds/messengerapps.yaml');
    writeFileSync(crd, readFileSync(crd, 'utf8').replace('maxRequestBytes:', 'maxRequestSize:'));

    const { code, said } = generate('--root', root);

    expect(code).toBe(1);
    expect(said).toContain('another shape');
  });
});
