import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startControlPlane, type ControlPlane } from '../support/control-plane.js';
import type { KubeObject } from '../support/control-plane-client.js';
import { command, type Ran } from '../unit/cli/io.js';
import { NAMESPACE, page } from './manifests.js';

const PAGES = `/apis/messenger-operator.dev/v1alpha1/namespaces/${NAMESPACE}/messengerpages`;
let plane: ControlPlane;

beforeAll(async () => {
  plane = await startControlPlane();
  await plane.admin.applyYaml(readFileSync('crds/messengerpages.yaml', 'utf8'));
  await plane.admin.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } });
  const apply = (manifest: object): Promise<KubeObject> => plane.admin.apply(manifest as KubeObject);
  const first = await apply(page('clinic', { pageId: '1001' }, { labels: { bot: 'a' } }));
  await apply(page('pizza', { pageId: '1002' }));
  const ready = { type: 'Ready', status: 'False', reason: 'NoBackend', message: 'none', lastTransitionTime: '2026-01-01T00:00:00Z' };
  const status = { conditions: [ready], fieldsSummary: '5/5' };
  await plane.admin.patch(`${PAGES}/clinic/status`, { status }, 'application/merge-patch+json');
  const { name, namespace, uid } = first.metadata;
  await plane.admin.create(`/apis/events.k8s.io/v1/namespaces/${NAMESPACE}/events`, {
    metadata: { name: 'clinic.1', namespace },
    eventTime: '2026-01-01T00:00:00.000000Z',
    ...{ reportingController: 'test', reportingInstance: 'test', action: 'Test', reason: 'Tested', type: 'Normal', note: 'it works' },
    regarding: { apiVersion: first.apiVersion, kind: first.kind, name, namespace, uid },
  });
}, 60_000);
afterAll(async () => {
  await plane.stop();
}, 30_000);

const get = (line: string): Promise<Ran> => command(['get', ...line.split(' '), '--kubeconfig', plane.adminKubeconfig]);

describe('get, from a cluster', () => {
  it('shows the columns that kubectl shows', async () => {
    const ours = await get(`pages -n ${NAMESPACE}`);
    const theirs = await plane.kubectl(['get', 'messengerpages', '-n', NAMESPACE]);
    const cells = (text: string): readonly string[][] =>
      text
        .trimEnd()
        .split('\n')
        .map((line) => line.trim().split(/ {2,}/));

    expect(ours).toMatchObject({ code: 0, stderr: '' });
    // kubectl leaves cells without a value empty; the columns before the age are all there in the
    // first row.
    expect(cells(ours.stdout)[0]).toEqual(cells(theirs.stdout)[0]);
    expect(cells(ours.stdout)[1]?.slice(0, 5)).toEqual(cells(theirs.stdout)[1]?.slice(0, 5));
    expect(cells(ours.stdout)).toHaveLength(3);
  });

  it('shows the last Event in the wide table', async () => {
    expect((await get('page clinic -A -o wide')).stdout).toMatch(/ LAST-CHANGE\n.* Tested \d+d ago\n$/);
  });

  it('selects by label, and prints JSON', async () => {
    const { stdout } = await get('pages -A -l bot=a -o json');
    expect(JSON.parse(stdout)).toMatchObject({
      kind: 'List',
      items: [{ kind: 'MessengerPage', metadata: { name: 'clinic' }, status: { fieldsSummary: '5/5' } }],
    });
  });

  it('fails in words when the cluster does not know the kind', async () => {
    const { code, stderr } = await get('apps -A');
    expect(code).toBe(1);
    expect(stderr).toMatch(/^messenger-operator: .*messengerapps/);
    expect(stderr).not.toContain('\n    at ');
  });
});
