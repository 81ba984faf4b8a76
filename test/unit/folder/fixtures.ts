import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from '@jest/globals';
import { type Crd, parseCrd } from '../../../src/folder/crd.js';

export const APP_CRD: Crd = parseCrd(readFileSync('crds/messengerapps.yaml', 'utf8'));
export const PAGE_CRD: Crd = parseCrd(readFileSync('crds/messengerpages.yaml', 'utf8'));

const made: string[] = [];
afterAll(() => {
  for (const folder of made) rmSync(folder, { recursive: true, force: true });
});

/** An empty folder that is removed when the tests of the file have run. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'messenger-operator-'));
  made.push(folder);
  return folder;
}

type Spec = Record<string, unknown>;

export function page(name: string, spec: Spec = {}): Record<string, unknown> {
  return {
    apiVersion: 'messenger-operator.dev/v1alpha1',
    kind: 'MessengerPage',
    metadata: { name, namespace: 'bots' },
    spec: { pageId: '1001', appRef: { name: 'main' }, accessTokenSecretRef: { name }, ...spec },
  };
}

export function app(name: string, spec: Spec = {}): Record<string, unknown> {
  return {
    apiVersion: 'messenger-operator.dev/v1alpha1',
    kind: 'MessengerApp',
    metadata: { name, namespace: 'bots' },
    spec: { appId: '42', appSecretRef: { name }, verifyTokenRef: { name }, ...spec },
  };
}

export function secret(name: string, stringData: Record<string, string>): Record<string, unknown> {
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace: 'bots' }, stringData };
}
