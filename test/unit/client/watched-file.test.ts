import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { WatchedFile } from '../../../src/client/watched-file.js';

let folder = '';
let path = '';

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'watched-'));
  path = join(folder, 'token');
});

afterEach(() => rm(folder, { recursive: true }));

/** As the kubelet does it: the new file takes the old one's place in one step. */
async function replaceWith(text: string): Promise<void> {
  await writeFile(`${path}.new`, text);
  await rename(`${path}.new`, path);
}

describe('WatchedFile', () => {
  it('has the text of the file as it is now', async () => {
    const file = new WatchedFile(path, 0);
    await replaceWith(' first\n');
    expect(await file.text()).toBe('first');
    await replaceWith('second');
    expect(await file.text()).toBe('second');
  });

  it('does not look every time', async () => {
    const file = new WatchedFile(path);
    await replaceWith('first');
    expect(await file.text()).toBe('first');
    await replaceWith('second');
    expect(await file.text()).toBe('first');
  });

  it('keeps the last good text while the file is away or empty', async () => {
    const file = new WatchedFile(path, 0);
    await replaceWith('first');
    await file.text();
    await replaceWith('\n');
    expect(await file.text()).toBe('first');
    await rm(path);
    expect(await file.text()).toBe('first');
  });

  it('throws while there never was any', async () => {
    const file = new WatchedFile(path, 0);
    await expect(file.text()).rejects.toThrow('ENOENT');
    await replaceWith('');
    await expect(file.text()).rejects.toThrow('is empty');
    await replaceWith('there');
    expect(await file.text()).toBe('there');
  });
});
