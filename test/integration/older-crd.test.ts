import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parse, stringify } from 'yaml';
import { PAGES } from '../../src/api/kinds.js';
import type { MessengerPage, MessengerPageStatus } from '../../src/api/v1alpha1/types.gen.js';
import { StatusProblems } from '../../src/k8s/status-problems.js';
import { KubeStatusWriter } from '../../src/k8s/status-writer.js';
import { writesAlone } from '../../src/k8s/write-fences.js';
import { systemClock } from '../../src/kit/clock.js';
import { silentLogger } from '../../src/kit/log.js';
import type { KubeEvent } from '../../src/runtime/ports.js';
import { eventually } from '../support/eventually.js';
import { PAGES_PATH, RuntimeWorld } from '../support/runtime-world.js';

interface Crd {
  readonly spec: { readonly versions: readonly { readonly schema: { readonly openAPIV3Schema: Part } }[] };
}
interface Part {
  readonly properties: Record<string, Part>;
  readonly required?: readonly string[];
}

let world: RuntimeWorld;

/** The CRD of a version that did not have `status.pageName` and `status.token.expires` yet. */
function olderCrd(): string {
  const crd = parse(readFileSync('crds/messengerpages.yaml', 'utf8')) as Crd;
  const status = crd.spec.versions[0]?.schema.openAPIV3Schema.properties['status'];
  delete status?.properties['pageName'];
  delete status?.properties['token']?.properties['expires'];
  return stringify(crd);
}

beforeAll(async () => {
  world = await RuntimeWorld.start();
  await world.plane.admin.applyYaml(olderCrd());
}, 150_000);

afterAll(async () => {
  await world.stop();
}, 60_000);

describe('an operator that is newer than the CRD', () => {
  it('writes the rest of the status, and reports the fields that it left out', async () => {
    const events: KubeEvent[] = [];
    const recorder = { record: (_page: unknown, event: KubeEvent) => void events.push(event) };
    const problems = new StatusProblems({ clock: systemClock, log: silentLogger, events: recorder }, PAGES);
    const page = await world.createPage('older');
    const status: MessengerPageStatus = {
      observedGeneration: 1,
      pageName: 'Clinic',
      token: { type: 'PAGE', expires: 'never' },
      claim: { appId: '1', pageId: '1001', state: 'Held', epoch: 1 },
    };
    // The API server takes in a changed CRD a moment after it has answered.
    await eventually(async () => {
      const { resourceVersion } = (await world.plane.admin.get<MessengerPage>(`${PAGES_PATH}/older`)).metadata;
      const writer = new KubeStatusWriter<MessengerPage>({ client: world.client, fence: writesAlone, clock: systemClock, problems }, PAGES);
      await writer.write({ ...page, metadata: { ...page.metadata, resourceVersion } } as MessengerPage, status, world.signal);
      return problems.unknownFields > 0;
    }, 20_000);

    expect((await world.plane.admin.get<MessengerPage>(`${PAGES_PATH}/older`)).status).toEqual({
      observedGeneration: 1,
      token: { type: 'PAGE' },
      claim: { appId: '1', pageId: '1001', state: 'Held', epoch: 1 },
    });
    expect(problems.texts()).toEqual([
      'messengerpages.messenger-operator.dev: the CRD lacks status.pageName, status.token.expires: apply the CRDs of this version',
    ]);
    expect(events.at(-1)).toMatchObject({ reason: 'CrdOutdated' });
  }, 60_000);
});
