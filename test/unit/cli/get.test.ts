import { describe, expect, it } from '@jest/globals';
import type { MessengerPage } from '../../../src/api/v1alpha1/types.gen.js';
import { silentLogger } from '../../../src/kit/log.js';
import { EventLog } from '../../../src/folder/event-log.js';
import { StateFolder } from '../../../src/folder/state-folder.js';
import { FakeClock } from '../../support/fake-clock.js';
import { temporaryFolder } from '../folder/fixtures.js';
import { command, type Ran } from './io.js';

function page(
  name: string,
  namespace: string,
  rest: { labels?: Record<string, string>; status?: MessengerPage['status'] } = {},
): MessengerPage {
  const { labels, status } = rest;
  return {
    apiVersion: 'messenger-operator.dev/v1alpha1',
    kind: 'MessengerPage',
    metadata: { name, namespace, uid: name, creationTimestamp: '2020-01-01T00:00:00Z', ...(labels === undefined ? {} : { labels }) },
    spec: { pageId: `id-${name}`, appRef: { name: 'main' }, accessTokenSecretRef: { name } },
    ...(status === undefined ? {} : { status }),
  };
}

const READY = { type: 'Ready', status: 'False', reason: 'NoBackend', message: '', lastTransitionTime: '' } as const;

function stateOf(): string {
  const folder = temporaryFolder();
  const state = new StateFolder(folder);
  const clinic = page('clinic', 'bots', {
    labels: { bot: 'a' },
    status: { fieldsSummary: '5/5', conditions: [READY], effective: { backend: 'svc bots/bot:5000' } },
  });
  state.save('messengerpages', clinic);
  state.save('messengerpages', page('pizza', 'bots', { labels: { bot: 'b' } }));
  state.save('messengerpages', page('clinic', 'other'));
  state.saveProblems([{ file: 'x.yaml', message: 'is not valid YAML' }]);
  new EventLog(folder, new FakeClock(), silentLogger).record(clinic, {
    type: 'Normal',
    reason: 'Subscribed',
    action: 'Subscribe',
    note: 'done',
  });
  return folder;
}

const get = (line: string): Promise<Ran> => command(['get', ...line.split(' '), '--state-dir', stateOf()]);

describe('get', () => {
  it("shows the CRD's own columns", async () => {
    const { code, stdout, stderr } = await get('pages');

    expect(code).toBe(0);
    expect(stdout.split('\n').map((line) => line.split(/ {2,}/).slice(0, 7))).toEqual([
      ['NAMESPACE', 'NAME', 'PAGE-ID', 'READY', 'REASON', 'FIELDS', 'TOKEN-EXPIRES'],
      ['bots', 'clinic', 'id-clinic', 'False', 'NoBackend', '5/5', '<none>'],
      ['bots', 'pizza', 'id-pizza', '<none>', '<none>', '<none>', '<none>'],
      ['other', 'clinic', 'id-clinic', '<none>', '<none>', '<none>', '<none>'],
      [''],
    ]);
    expect(stderr).toBe('not used as it stands: x.yaml: is not valid YAML\n');
  });

  it('shows more when asked for the wide table, the last change too', async () => {
    const { stdout } = await get('mpage clinic -n bots -o wide');
    expect(stdout).toMatch(/APP +BACKEND +LAST-CHANGE\n/);
    expect(stdout).toMatch(/main +svc bots\/bot:5000 +Subscribed \S+ ago\n$/);
  });

  it.each<[string, readonly string[]]>([
    ['pages -n bots', ['clinic', 'pizza']],
    ['pages -A', ['clinic', 'pizza', 'clinic']],
    ['pages -l bot=a', ['clinic']],
    ['pages -l bot!=a', ['pizza', 'clinic']],
    ['pages pizza', ['pizza']],
    ['messengerpages', ['clinic', 'pizza', 'clinic']],
  ])('selects by %s', async (line, names) => {
    const { stdout } = await get(`${line} -o json`);
    const answer = JSON.parse(stdout) as MessengerPage & { readonly items?: readonly MessengerPage[] };
    expect((answer.items ?? [answer]).map(({ metadata }) => metadata.name)).toEqual(names);
  });

  it('prints one object as YAML', async () => {
    const { stdout } = await get('page clinic -n other -o yaml');
    expect(stdout).toContain('kind: MessengerPage\n');
    expect(stdout).toContain('  pageId: id-clinic\n');
  });

  it('says that there is nothing', async () => {
    expect(await get('apps')).toMatchObject({ code: 0, stdout: 'No objects found.\n' });
  });

  it.each<[string, number, string]>([
    ['pages nobody', 1, 'there is no nobody here'],
    ['banana', 2, 'get shows pages or apps, not "banana"'],
    ['pages -l bot=(', 2, '--selector'],
  ])('fails in words for %s', async (line, code, words) => {
    expect(await get(line)).toMatchObject({ code, stdout: '', stderr: expect.stringContaining(words) });
  });
});
