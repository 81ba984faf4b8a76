import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';

/** The instructions of a Dockerfile, continued lines joined, comments dropped. */
function instructionsOf(text: string): readonly (readonly [string, string])[] {
  return text
    .replaceAll(/^#.*\n/gm, '')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [, name = '', rest = ''] = /^(\S+)\s+(.*)$/.exec(line) ?? [];
      return [name, rest] as const;
    });
}

const instructions = instructionsOf(readFileSync('Dockerfile', 'utf8'));
const valuesOf = (name: string): readonly string[] => instructions.filter(([one]) => one === name).map(([, value]) => value);
const copied = valuesOf('COPY').map((value) => {
  const words = value.split(/\s+/).filter((word) => !word.startsWith('--'));
  return { stage: /--from=(\S+)/.exec(value)?.[1], sources: words.slice(0, -1) };
});

describe('the Dockerfile', () => {
  it('knows only instructions that there are', () => {
    const known = ['ARG', 'FROM', 'WORKDIR', 'COPY', 'RUN', 'LABEL', 'ENV', 'USER', 'EXPOSE', 'ENTRYPOINT', 'CMD'];

    expect(instructions.map(([name]) => name).filter((name) => !known.includes(name))).toEqual([]);
  });

  it('copies only files that are there, and that .dockerignore lets through', () => {
    const ignore = readFileSync('.dockerignore', 'utf8').split('\n');
    const sources = copied.filter(({ stage }) => stage === undefined).flatMap((one) => one.sources);

    expect(ignore).toContain('*');
    expect(sources.filter((source) => !existsSync(source))).toEqual([]);
    expect(sources.filter((source) => !ignore.includes(`!${source.replace(/^\.\//, '')}`))).toEqual([]);
  });

  it('copies between stages only from earlier ones, and only what they made', () => {
    const stages = valuesOf('FROM').flatMap((value) => /\bAS (\S+)$/.exec(value)?.[1] ?? []);
    const between = copied.filter(({ stage }) => stage !== undefined);

    expect(stages).toEqual(['build', 'production']);
    expect(between.map(({ stage, sources }) => [stage, ...sources])).toEqual([
      ['production', '/app/node_modules'],
      ['build', '/src/dist'],
    ]);
    const { compilerOptions } = JSON.parse(readFileSync('tsconfig.build.json', 'utf8')) as { compilerOptions: { outDir: string } };
    expect(compilerOptions.outDir).toBe('dist');
  });

  it('declares the arguments that its images are named by, on Node 24', () => {
    const declared = new Map(valuesOf('ARG').map((value) => value.split('=') as [string, string]));
    const used = valuesOf('FROM').flatMap((value) => /\$\{(\w+)\}/.exec(value)?.[1] ?? []);

    expect(used).toHaveLength(3);
    for (const name of used) expect(declared.get(name)).toMatch(/node(js)?:?24/);
  });

  it('runs the program of the package, not as root, without a shell', () => {
    const { bin } = JSON.parse(readFileSync('package.json', 'utf8')) as { bin: Record<string, string> };
    const [entrypoint = '[]'] = valuesOf('ENTRYPOINT');

    expect(valuesOf('USER')).toEqual(['65532:65532']);
    expect((JSON.parse(entrypoint) as readonly string[]).at(-1)).toBe(`/app/${bin['messenger-operator'] ?? ''}`);
  });

  it('installs from the lockfile, without scripts and without what only development needs', () => {
    const installs = valuesOf('RUN').filter((command) => command.startsWith('npm'));

    expect(installs).toEqual(['npm ci --ignore-scripts', 'npm ci --omit=dev --ignore-scripts']);
  });
});
