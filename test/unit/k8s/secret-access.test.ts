import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { silentLogger } from '../../../src/kit/log.js';
import type { KubeClient } from '../../../src/k8s/kube-http.js';
import { KubeSecretAccess } from '../../../src/k8s/secret-access.js';
import { FakeClock } from '../../support/fake-clock.js';
import { clientOf, json, ScriptedApi, status } from './scripted-api.js';

const SIGNAL = new AbortController().signal;
const SECRET = { namespace: 'bots', name: 'main-app' };
const webhook = { namespace: 'op', name: 'op-webhook' };

const allowed = json(201, { status: { allowed: true } });
const refused = json(201, { status: { allowed: false } });

describe('KubeSecretAccess', () => {
  const clock = new FakeClock();
  let api: ScriptedApi;
  let client: KubeClient;
  let access: KubeSecretAccess;

  beforeEach(async () => {
    api = await new ScriptedApi().start();
    client = clientOf(api, clock);
    access = new KubeSecretAccess({ client, clock, log: silentLogger, accounts: { webhook, 'pages-api': undefined } });
  });

  afterEach(async () => {
    await client.close();
    await api.stop();
  });

  it('asks about the whole namespace, then about the one Secret, as the ServiceAccount and its groups', async () => {
    api.next(refused).next(allowed);

    expect(await access.refused('webhook', SECRET, SIGNAL)).toBeUndefined();

    expect(api.seen.map(({ url }) => url.pathname)).toEqual(
      Array(2).fill('/apis/authorization.k8s.io/v1/namespaces/bots/localsubjectaccessreviews'),
    );
    expect(api.seen[1]?.body).toMatchObject({
      metadata: { namespace: 'bots' },
      spec: {
        user: 'system:serviceaccount:op:op-webhook',
        groups: ['system:serviceaccounts', 'system:serviceaccounts:op', 'system:authenticated'],
        resourceAttributes: { namespace: 'bots', verb: 'get', group: '', resource: 'secrets', name: 'main-app' },
      },
    });
    expect(api.seen[0]?.body).not.toMatchObject({ spec: { resourceAttributes: { name: 'main-app' } } });
  });

  it('names the account that may not read, remembers that for a moment, and sees a new Role after it', async () => {
    api.next(refused).next(refused);
    expect(await access.refused('webhook', SECRET, SIGNAL)).toBe('op:op-webhook');
    expect(await access.refused('webhook', SECRET, SIGNAL)).toBe('op:op-webhook');
    expect(api.seen).toHaveLength(2);

    await clock.advance(11_000);
    api.next(refused).next(allowed);

    expect(await access.refused('webhook', SECRET, SIGNAL)).toBeUndefined();
  });

  it('asks once for all Secrets of a namespace that the role may read', async () => {
    api.next(allowed);

    for (const name of ['a', 'b', 'c']) expect(await access.refused('webhook', { ...SECRET, name }, SIGNAL)).toBeUndefined();

    expect(api.seen).toHaveLength(1);
  });

  it('says nothing where it may not ask, and asks nothing about a role whose account it does not know', async () => {
    api.next(status(403, 'Forbidden'));

    expect(await access.refused('webhook', SECRET, SIGNAL)).toBeUndefined();
    expect(await access.refused('pages-api', SECRET, SIGNAL)).toBeUndefined();
    expect(api.seen).toHaveLength(1);
  });
});
