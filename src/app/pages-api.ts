import type { ConfigOf } from '../config/flag-table.js';
import type { KubeClient } from '../k8s/kube-http.js';
import { readTokenIssuer } from '../k8s/issuer-discovery.js';
import { KubeReviews } from '../k8s/reviews.js';
import { IssuerKeys } from '../pages-api/issuer-keys.js';
import { openKubeCluster } from './open-kube-cluster.js';
import { runProcess } from './run-process.js';
import { type ApiAccess, createPagesApiListener } from './pages-api-listener.js';
import { openContext, type ProcessContext, type ProcessIo } from './context.js';

/** Serves the bots of a cluster their pages and tokens. Resolves after a clean stop. */
export async function runPagesApi(config: ConfigOf<'pages-api'>, io: ProcessIo): Promise<void> {
  const context = openContext(config, io);
  const { cluster, client } = openKubeCluster('pages-api', config, context);
  const access = reviewed(client, config, context);
  const listener = createPagesApiListener({ config, context, cluster, access, observe: context.metrics.pagesApi });
  await runProcess({
    config,
    context,
    cluster,
    roles: ['pages-api'],
    listeners: [listener],
    work: undefined,
    metrics: context.metrics,
    debug: {},
  });
}

/**
 * Callers show the token of a ServiceAccount; the API server says who they are and what they may.
 */
function reviewed(
  client: KubeClient,
  { apiAudience: audience, authStaleMs }: ConfigOf<'pages-api'>,
  { clock, log }: ProcessContext,
): ApiAccess {
  const reviews = new KubeReviews({ client, audience });
  return {
    authenticator: reviews,
    authorizer: { authorize: (caller, access, signal) => reviews.authorize(caller, access, signal) },
    audience,
    authStaleMs,
    issuer: new IssuerKeys({ fetch: (signal) => readTokenIssuer(client, signal), clock, log }),
  };
}
