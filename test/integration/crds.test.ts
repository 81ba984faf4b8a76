import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { stringify } from 'yaml';
import { INVALID_MANIFESTS, UNUSUAL_SPECS, VALID_SPECS, type Kind, type Spec } from '../fixtures/invalid-manifests.js';
import type { ApiResponse } from '../support/control-plane-client.js';
import { startControlPlane, type ControlPlane } from '../support/control-plane.js';

const NAMESPACE = 'crds-test';
const START_DEADLINE_MS = 150_000;
const PLURALS: Readonly<Record<Kind, string>> = { MessengerApp: 'messengerapps', MessengerPage: 'messengerpages' };
const API = '/apis/messenger-operator.dev/v1alpha1';
const SAMPLES = 'deploy/samples';

interface Status {
  readonly message: string;
  readonly details: { readonly causes?: readonly { readonly field: string; readonly message: string }[] };
}

describe('the CustomResourceDefinitions at a real API server', () => {
  let cluster: ControlPlane;
  let names = 0;

  beforeAll(async () => {
    cluster = await startControlPlane();
    await cluster.admin.applyYaml(stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } }));
    for (const file of readdirSync('crds')) await cluster.admin.applyYaml(readFileSync(join('crds', file), 'utf8'));
  }, START_DEADLINE_MS);

  afterAll(async () => {
    await cluster.stop();
  });

  const collection = (kind: Kind): string => `${API}/namespaces/${NAMESPACE}/${PLURALS[kind]}`;
  const manifest = (kind: Kind, name: string, spec: Spec): object => ({
    apiVersion: 'messenger-operator.dev/v1alpha1',
    kind,
    metadata: { name, namespace: NAMESPACE },
    spec,
  });

  /** Asks for `spec`, as the change of `was` if there is one. Nothing of it is stored but `was`. */
  async function ask(kind: Kind, spec: Spec, was: Spec | undefined): Promise<ApiResponse> {
    const name = `asked-${++names}`;
    const query = '?dryRun=All&fieldValidation=Strict';
    if (was === undefined) return cluster.admin.request('POST', collection(kind) + query, manifest(kind, name, spec));
    const { metadata } = await cluster.admin.create(collection(kind), manifest(kind, name, was));
    const changed = { ...manifest(kind, name, spec), metadata };
    return cluster.admin.request('PUT', `${collection(kind)}/${name}${query}`, changed);
  }

  it.each(Object.entries(VALID_SPECS))('take the least of a %s', async (kind, spec) => {
    expect(await ask(kind as Kind, spec, undefined)).toMatchObject({ status: 201 });
  });

  it.each(UNUSUAL_SPECS)('take $what', async ({ kind, spec, was }) => {
    const { status, body } = await ask(kind, spec, was);

    expect({ status, message: (body as Partial<Status>).message }).toEqual({ status: was === undefined ? 201 : 200, message: undefined });
  });

  it.each(INVALID_MANIFESTS)('refuse $what, naming $field', async ({ kind, spec, was, field, says }) => {
    const { status, body } = await ask(kind, spec, was);

    expect(status).toBe(422);
    const { causes = [] } = (body as Status).details;
    const named = causes.filter((cause) => cause.field.startsWith(field));
    expect(named.map(({ message }) => message).join('\n')).toContain(says ?? '');
    expect({ causes, named: named.length }).not.toEqual({ causes, named: 0 });
  });

  it('refuse a field that there is not, as kubectl apply asks them to', async () => {
    const { status, body } = await ask('MessengerPage', { ...VALID_SPECS.MessengerPage, subscribedField: ['messages'] }, undefined);

    expect({ status, message: (body as Status).message }).toEqual({
      status: 400,
      message: expect.stringContaining('unknown field "spec.subscribedField"'),
    });
  });

  it('say in kubectl what is wrong in words for people', async () => {
    const text = stringify(manifest('MessengerPage', 'clinic', { ...VALID_SPECS.MessengerPage, pageId: 'clinic-a', interval: '1m' }));

    const { code, stderr } = await cluster.kubectl(['apply', '-f', '-'], { stdin: text });

    expect(code).toBe(1);
    expect(stderr).toContain('pageId must be the numeric id of the Facebook Page, 1 to 20 digits in quotes, for example "1234567890"');
    expect(stderr).toContain('interval must be at least 5m and at most 24h');
  });

  it('begin the status of a new object at observedGeneration -1, whatever its manifest says', async () => {
    const object = { ...manifest('MessengerPage', 'new', VALID_SPECS.MessengerPage), status: { observedGeneration: 7, pageName: 'mine' } };
    await cluster.admin.create(collection('MessengerPage'), object);

    const stored = await cluster.admin.get(`${collection('MessengerPage')}/new`);

    expect(stored).toMatchObject({ metadata: { generation: 1 }, status: { observedGeneration: -1 } });
    expect(stored['status']).toEqual({ observedGeneration: -1 });
  });

  it('keep what was applied without a difference, as GitOps tools compare it', async () => {
    const spec = {
      ...VALID_SPECS.MessengerPage,
      backend: { service: { name: 'bot', port: 5000 } },
      botConfig: { inline: { a: { b: [] } } },
    };
    await cluster.admin.create(collection('MessengerPage'), manifest('MessengerPage', 'plain', spec));

    expect((await cluster.admin.get(`${collection('MessengerPage')}/plain`))['spec']).toEqual(spec);
  });

  it('print the columns that the documentation shows', async () => {
    await cluster.admin.create(collection('MessengerPage'), manifest('MessengerPage', 'shown', VALID_SPECS.MessengerPage));
    const lastTransitionTime = '2026-01-01T00:00:00Z';
    const ready = { type: 'Ready', status: 'False', reason: 'TokenExpired', message: 'the token has expired', lastTransitionTime };
    await cluster.admin.patch(`${collection('MessengerPage')}/shown/status`, {
      status: {
        observedGeneration: 1,
        conditions: [ready],
        fieldsSummary: '4/5',
        pageName: 'Clinic A',
        token: { expires: '2031-01-21' },
        effective: { backend: 'svc bots/clinic-bot:5000' },
      },
    });

    const { stdout: narrow } = await cluster.kubectl(['get', 'mpage', 'shown', '-n', NAMESPACE]);
    const { stdout: wide } = await cluster.kubectl(['get', 'mpage', 'shown', '-n', NAMESPACE, '-o', 'wide']);

    expect(cells(narrow)[0]).toEqual(['NAME', 'PAGE-ID', 'READY', 'REASON', 'FIELDS', 'TOKEN-EXPIRES', 'AGE']);
    expect(cells(narrow)[1]?.slice(0, 6)).toEqual(['shown', '1234567890', 'False', 'TokenExpired', '4/5', '2031-01-21']);
    expect(cells(wide)[0]?.slice(7)).toEqual(['PAGE-NAME', 'APP', 'BACKEND']);
    expect(cells(wide)[1]?.slice(7)).toEqual(['Clinic A', 'main', 'svc bots/clinic-bot:5000']);
  });

  it('are found by short name, category and selected field', async () => {
    await cluster.admin.create(collection('MessengerApp'), manifest('MessengerApp', 'main', VALID_SPECS.MessengerApp));
    await cluster.admin.create(
      collection('MessengerPage'),
      manifest('MessengerPage', 'seven', { ...VALID_SPECS.MessengerPage, pageId: '7' }),
    );
    const get = async (...args: readonly string[]): Promise<readonly string[]> => {
      const { stdout, stderr } = await cluster.kubectl(['get', ...args, '-n', NAMESPACE, '-o', 'name']);
      return [...stdout.split('\n'), stderr].filter((line) => line !== '');
    };

    expect(await get('mapp', 'main')).toEqual(['messengerapp.messenger-operator.dev/main']);
    expect(await get('mpage', '--field-selector', 'spec.pageId=7,spec.appRef.name=main')).toEqual([
      'messengerpage.messenger-operator.dev/seven',
    ]);
    expect(await get('messenger')).toEqual(
      expect.arrayContaining(['messengerapp.messenger-operator.dev/main', 'messengerpage.messenger-operator.dev/seven']),
    );
  });

  it.each(['mpage.spec.backend.maxEventsPerRequest', 'mapp.spec.webhook.subscription', 'mpage.status.claim'])(
    'are explained: %s',
    async (path) => {
      const { code, stdout } = await cluster.kubectl(['explain', path]);

      expect(code).toBe(0);
      expect(/DESCRIPTION:\n +(\S.*)/.exec(stdout)?.[1]?.length).toBeGreaterThan(20);
    },
  );

  it.each(['basic', 'observe', 'cross-namespace', 'standalone/manifests'])('take the samples of %s', async (folder) => {
    for (const namespace of ['bots', 'messenger-platform', 'team-dental']) {
      await cluster.admin.applyYaml(stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }));
    }

    // The bots' Deployments are judged, not stored: on a cluster with nodes they would look for an
    // image.
    const judged = await cluster.kubectl(['apply', '--dry-run=server', '-f', join(SAMPLES, folder)]);
    const ours = await cluster.kubectl(['apply', '-f', '-'], { stdin: oursOf(folder) });

    expect(judged.code === 0 ? '' : judged.stderr).toBe('');
    expect(ours).toMatchObject({ code: 0, stderr: '' });
    expect(ours.stdout).toContain('messengerpage');
  });
});

function cells(table: string): readonly (readonly string[])[] {
  return table.split('\n').map((line) => line.trim().split(/ {2,}/));
}

function oursOf(folder: string): string {
  const files = readdirSync(join(SAMPLES, folder)).filter((name) => name.endsWith('.yaml'));
  const documents = files.flatMap((name) => readFileSync(join(SAMPLES, folder, name), 'utf8').split(/^---$/m));
  return documents.filter((text) => text.includes('apiVersion: messenger-operator.dev/')).join('\n---\n');
}
