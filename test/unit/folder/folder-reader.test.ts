import { chmodSync, mkdirSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { systemClock } from '../../../src/kit/clock.js';
import { FolderReader, type Scan } from '../../../src/folder/folder-reader.js';
import { problemText } from '../../../src/folder/problem.js';
import { temporaryFolder } from './fixtures.js';

/** Old enough to be read at once. */
function write(folder: string, name: string, text: string): void {
  const path = join(folder, name);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, text);
  const seconds = Date.parse('2026-01-01T00:00:00Z') / 1_000;
  utimesSync(path, seconds, seconds);
}

const kinds = ({ documents }: Scan): readonly string[] => documents.map(({ file, value }) => `${file}:${String(value['kind'])}`);
const readerOf = (root: string, limits = {}): FolderReader => new FolderReader({ root, clock: systemClock, limits });

describe('FolderReader', () => {
  it('reads manifests in sub-folders, in the order of their paths, and nothing else', async () => {
    const root = temporaryFolder();
    write(root, 'b.yml', 'kind: B');
    write(root, 'team/a.yaml', 'kind: A');
    write(root, 'c.json', '{"kind":"C"}');
    write(root, 'README.md', 'kind: D');
    write(root, '.git/e.yaml', 'kind: E');

    const scan = await readerOf(root).scan();

    expect(kinds(scan)).toEqual(['b.yml:B', 'c.json:C', 'team/a.yaml:A']);
    expect(scan).toMatchObject({ good: true, problems: [], readable: true });
  });

  it('sees the switch of a mounted ConfigMap', async () => {
    const root = temporaryFolder();
    write(root, '..2026_1/page.yaml', 'kind: Old');
    write(root, '..2026_2/page.yaml', 'kind: New');
    symlinkSync('..2026_1', join(root, '..data'));
    symlinkSync('..data/page.yaml', join(root, 'page.yaml'));
    const reader = readerOf(root);
    expect(kinds(await reader.scan())).toEqual(['page.yaml:Old']);

    symlinkSync('..2026_2', join(root, '..data_tmp'));
    renameSync(join(root, '..data_tmp'), join(root, '..data'));

    expect(kinds(await reader.scan())).toEqual(['page.yaml:New']);
  });

  it('does not run in circles', async () => {
    const root = temporaryFolder();
    write(root, 'team/a.yaml', 'kind: A');
    symlinkSync('..', join(root, 'team/up'));

    expect(kinds(await readerOf(root).scan())).toEqual(['team/a.yaml:A']);
  });

  it('is no good scan when a file does not parse, but has what the other files say', async () => {
    const root = temporaryFolder();
    write(root, 'a.yaml', 'kind: A');
    write(root, 'b.yaml', 'kind: [');

    const scan = await readerOf(root).scan();

    expect(kinds(scan)).toEqual(['a.yaml:A']);
    expect(scan).toMatchObject({ good: false, problems: [{ file: 'b.yaml' }] });
  });

  it('is no good scan of an empty folder, or of one that is not there', async () => {
    const root = temporaryFolder();
    expect(await readerOf(root).scan()).toMatchObject({ good: false, readable: true });
    expect(await readerOf(join(root, 'gone')).scan()).toMatchObject({ good: false, readable: false });
  });

  it('is no good scan when a link leads nowhere', async () => {
    const root = temporaryFolder();
    write(root, 'a.yaml', 'kind: A');
    symlinkSync('nowhere.yaml', join(root, 'b.yaml'));

    expect(await readerOf(root).scan()).toMatchObject({ good: false, problems: [{ file: 'b.yaml', message: 'cannot be read (ENOENT)' }] });
  });

  it.each([
    ['file', 'secret.yaml', 'secret.yaml'],
    ['folder', '.', 'linked'],
  ])('reads no %s that a link leads to out of the folder, and says so', async (_what, target, name) => {
    const [root, outside] = [temporaryFolder(), temporaryFolder()];
    write(root, 'a.yaml', 'kind: A');
    write(outside, 'secret.yaml', 'kind: Outside');
    symlinkSync(join(outside, target), join(root, name));

    const scan = await readerOf(root).scan();
    expect(kinds(scan)).toEqual(['a.yaml:A']);
    expect(scan).toMatchObject({
      good: false,
      problems: [{ file: name, message: expect.stringContaining('leads out of the folder') as unknown }],
    });
  });

  it('waits for a file that was written this very moment', async () => {
    const root = temporaryFolder();
    write(root, 'a.yaml', 'kind: A');
    writeFileSync(join(root, 'b.yaml'), 'kind: B');
    const now = systemClock.nowMs() / 1_000;
    const reader = new FolderReader({ root, clock: { ...systemClock, nowMs: () => now * 1_000 + 10 } });
    utimesSync(join(root, 'b.yaml'), now, now);
    expect(await reader.scan()).toMatchObject({ good: false, unsettled: true });

    const later = new FolderReader({ root, clock: { ...systemClock, nowMs: () => now * 1_000 + 1_000 } });
    expect(kinds(await later.scan())).toEqual(['a.yaml:A', 'b.yaml:B']);
  });

  it('leaves the state folder out', async () => {
    const root = temporaryFolder();
    write(root, 'a.yaml', 'kind: A');
    write(root, 'state/objects/x.json', '{"kind":"X"}');

    const reader = new FolderReader({ root, exclude: join(root, 'state'), clock: systemClock });

    expect(kinds(await reader.scan())).toEqual(['a.yaml:A']);
  });

  it.each<[string, Record<string, number>]>([
    ['files', { files: 1 }],
    ['bytes in a file', { fileBytes: 3 }],
    ['bytes together', { totalBytes: 9 }],
    ['depth', { depth: 0 }],
  ])('bounds the %s, and then concludes nothing', async (_, limits) => {
    const root = temporaryFolder();
    write(root, 'a.yaml', 'kind: A');
    write(root, 'team/b.yaml', 'kind: B');

    const scan = await readerOf(root, limits).scan();

    expect(scan.good).toBe(false);
    expect(scan.problems).not.toEqual([]);
  });

  it.each<[string, Record<string, number>, string, readonly string[]]>([
    [
      'files',
      { files: 2 },
      'b.yaml: the folder has 4 manifest files, and the limit is 2. This file and all after it (2)',
      ['a.yaml', 'b-1/z.yaml'],
    ],
    ['bytes', { totalBytes: 15 }, "b.yaml: the folder's manifests together have more than 15 bytes", ['a.yaml', 'b-1/z.yaml']],
  ])(
    'reads a folder with too many %s up to the limit, in the order of the paths, and names the first file after it',
    async (_, limits, text, read) => {
      const root = temporaryFolder();
      for (const name of ['c.yaml', 'b.yaml', 'b-1/z.yaml', 'a.yaml']) write(root, name, 'kind: A');

      const scan = await readerOf(root, limits).scan();

      expect(scan.documents.map(({ file }) => file)).toEqual(read);
      expect(scan).toMatchObject({ good: false, readable: true });
      expect(scan.problems.map(problemText)).toEqual([expect.stringContaining(text)]);
    },
  );

  it('says how large a file is that is too large, and how to mend it', async () => {
    const root = temporaryFolder();
    write(root, 'a.yaml', 'kind: A');
    const { problems } = await readerOf(root, { fileBytes: 3 }).scan();
    expect(problems.map(problemText)).toEqual(['a.yaml: has 7 bytes, and the limit is 3: split it into several files']);
  });

  it('reads twenty thousand manifests', async () => {
    const root = temporaryFolder();
    for (let i = 0; i < 20_000; i++) writeFileSync(join(root, `${i}.json`), '{}');
    const reader = new FolderReader({ root, clock: { ...systemClock, nowMs: () => systemClock.nowMs() + 60_000 } });

    expect(await reader.scan()).toMatchObject({ good: true, problems: [], unchanged: false });
    expect(await reader.scan()).toMatchObject({ good: true, unchanged: true });
  }, 60_000);

  it('tells a scan that changed nothing from one that changed something', async () => {
    const root = temporaryFolder();
    const reader = readerOf(root);
    const unchanged = async (): Promise<boolean> => (await reader.scan()).unchanged;
    write(root, 'a.yaml', 'kind: A');
    expect([await unchanged(), await unchanged()]).toEqual([false, true]);
    write(root, 'a.yaml', 'kind: B');
    expect([await unchanged(), await unchanged()]).toEqual([false, true]);
    write(root, 'b.yaml', 'kind: B');
    expect([await unchanged(), await unchanged()]).toEqual([false, true]);
    symlinkSync('nowhere.yaml', join(root, 'c.yaml'));
    expect([await unchanged(), await unchanged()]).toEqual([false, true]);
    rmSync(join(root, 'b.yaml'));
    expect([await unchanged(), await unchanged()]).toEqual([false, true]);
  });

  it('takes in a change that keeps size and time stamp', async () => {
    const root = temporaryFolder();
    write(root, 'a.yaml', 'kind: A');
    const reader = readerOf(root);
    await reader.scan();
    rmSync(join(root, 'a.yaml'));
    write(root, 'a.yaml', 'kind: B');

    expect(kinds(await reader.scan())).toEqual(['a.yaml:B']);
  });

  it('tells of a file that may not be read', async () => {
    const root = temporaryFolder();
    write(root, 'a.yaml', 'kind: A');
    chmodSync(join(root, 'a.yaml'), 0);
    const scan = await readerOf(root).scan();
    // root may read everything
    if (process.getuid?.() === 0) expect(scan.good).toBe(true);
    else expect(scan).toMatchObject({ good: false, problems: [{ file: 'a.yaml', message: 'cannot be read (EACCES)' }] });
  });
});
