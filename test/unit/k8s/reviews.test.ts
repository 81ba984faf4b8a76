import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ClusterUnavailableError } from '../../../src/core/domain/errors.js';
import { Secret } from '../../../src/core/secrets/secret.js';
import type { KubeClient } from '../../../src/k8s/kube-http.js';
import { KubeReviews } from '../../../src/k8s/reviews.js';
import { FakeClock } from '../../support/fake-clock.js';
import { clientOf, json, ScriptedApi, status } from './scripted-api.js';

const SIGNAL = new AbortController().signal;
const TOKEN = new Secret('bearer', 's3cret-bearer');
const USER = { username: 'bot', uid: 'u', groups: ['g'], extra: { pod: ['p'] } };

describe('KubeReviews', () => {
  let api: ScriptedApi;
  let client: KubeClient;
  let reviews: KubeReviews;

  beforeEach(async () => {
    api = await new ScriptedApi().start();
    client = clientOf(api, new FakeClock());
    reviews = new KubeReviews({ client, audience: 'messenger-operator' });
  });

  afterEach(async () => {
    await client.close();
    await api.stop();
  });

  it('asks for our audience and takes what the server says of the user', async () => {
    api.next(json(201, { status: { authenticated: true, audiences: ['messenger-operator'], user: USER } }));
    expect(await reviews.authenticate(TOKEN, SIGNAL)).toEqual(USER);
    expect(api.seen[0]?.body).toMatchObject({ kind: 'TokenReview', spec: { token: 's3cret-bearer', audiences: ['messenger-operator'] } });
  });

  it.each([
    ['is not authenticated', { authenticated: false, user: USER }],
    ['was made for another audience', { authenticated: true, audiences: ['other'], user: USER }],
    ['comes from an authenticator that knows no audiences', { authenticated: true, user: USER }],
    ['has no user', { authenticated: true, audiences: ['messenger-operator'] }],
    ['got no status', undefined],
  ])('knows nobody by a token that %s', async (_what, answered) => {
    api.next(json(201, { status: answered }));
    expect(await reviews.authenticate(TOKEN, SIGNAL)).toBeUndefined();
  });

  it.each([
    [{ allowed: true }, true],
    [{ allowed: true, denied: true }, false],
    [{ allowed: false }, false],
    [{}, false],
  ])('takes %j for %s', async (answered, want) => {
    api.next(json(201, { status: answered }));
    const access = { verb: 'get', group: 'messenger-operator.dev', resource: 'messengerpages', namespace: 'bots', name: 'clinic' };
    expect(await reviews.authorize(USER, access, SIGNAL)).toBe(want);
    expect(api.seen[0]?.body).toMatchObject({
      spec: { user: 'bot', uid: 'u', groups: ['g'], extra: { pod: ['p'] }, resourceAttributes: access },
    });
  });

  it('never takes a failure for a no, and keeps the token out of it', async () => {
    api.otherwise(status(500, 'Internal'));
    const error = await reviews.authenticate(TOKEN, SIGNAL).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ClusterUnavailableError);
    expect(String(error) + JSON.stringify(error)).not.toContain('s3cret');
    await expect(reviews.authorize(USER, { verb: 'get', group: '', resource: 'x' }, SIGNAL)).rejects.toBeInstanceOf(
      ClusterUnavailableError,
    );
  });
});
