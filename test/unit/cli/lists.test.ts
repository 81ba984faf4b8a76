import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { status } from '../k8s/scripted-api.js';
import { ListedCluster, listedPage, listOf } from './cluster.js';
import { command, type Ran } from './io.js';

let cluster: ListedCluster;
beforeEach(async () => {
  cluster = await new ListedCluster().start();
  cluster.lists['messengerapps'] = () => listOf([]);
});
afterEach(() => cluster.stop());

const COMMANDS = [
  ['get', ['get', 'pages', '-A', '-o', 'json']],
  ['release', ['release', '-A', '--dry-run', '-o', 'json', '--log-level', 'error']],
] as const;

function run(argv: readonly string[]): Promise<Ran> {
  return command([...argv, '--kubeconfig', cluster.kubeconfig]);
}

function namesIn(stdout: string): readonly string[] {
  return stdout.match(/(?<="name": ")page-\d/g) ?? [];
}

describe.each(COMMANDS)('what %s lists', (_name, argv) => {
  it('comes page by page', async () => {
    cluster.lists['messengerpages'] = ({ url }) =>
      url.searchParams.get('continue') === null ? listOf([listedPage('page-1')], 'next') : listOf([listedPage('page-2')]);

    const { code, stdout } = await run(argv);

    expect({ code, names: [...new Set(namesIn(stdout))] }).toEqual({ code: 0, names: ['page-1', 'page-2'] });
  });

  it.each([
    ['the same continue token', ['a', 'a']],
    ['a continue token that it gave earlier', ['a', 'b', 'a']],
  ])('ends with an error when the server repeats %s', async (_what, tokens) => {
    let asked = 0;
    cluster.lists['messengerpages'] = () => listOf([listedPage('page-1')], tokens[asked++] ?? 'a');

    const { code, stdout, stderr } = await run(argv);

    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain('the list of messengerpages.messenger-operator.dev goes round in a circle');
    expect(cluster.requests('messengerpages')).toBe(tokens.length);
  });

  it('starts over when it expires between two pages', async () => {
    let expired = false;
    cluster.lists['messengerpages'] = ({ url }) => {
      if (url.searchParams.get('continue') === null) return listOf([listedPage('page-1')], 'next');
      if (expired) return listOf([listedPage('page-2')]);
      expired = true;
      return status(410, 'Expired');
    };

    const { code, stdout } = await run(argv);

    expect({ code, names: [...new Set(namesIn(stdout))] }).toEqual({ code: 0, names: ['page-1', 'page-2'] });
  });
});

describe('the exit code of release', () => {
  it.each([
    ['0 for a named object without a finalizer of ours', 0, { finalizers: [] }, 'it has no finalizer'],
    ['1 for a named object that is not being deleted', 1, { deletionTimestamp: undefined }, 'delete it first, or use --all'],
  ])('is %s', async (_what, wanted, metadata, says) => {
    const page = listedPage('page-1') as { readonly metadata: object };
    cluster.lists['messengerpages'] = () => listOf([{ ...page, metadata: { ...page.metadata, ...metadata } }]);

    const { code, stdout } = await run(['release', 'page-1', '-n', 'bots']);

    expect(code).toBe(wanted);
    expect(stdout).toContain(says);
  });
});
