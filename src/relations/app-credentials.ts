import { DEFAULT_KEYS } from '../api/v1alpha1/constants.js';
import type { MessengerApp } from '../api/v1alpha1/types.gen.js';
import type { AppCredentials } from '../core/ports/graph.js';
import type { DataCache } from '../runtime/ports.js';
import { namespaceOf } from './relations.js';
import { readSecret } from './secret-values.js';

export interface AppCredentialsDeps {
  readonly secrets: Pick<DataCache, 'read'>;
  readonly clock: { monotonicMs(): number };
  readonly options: { readonly secretGraceMs: number; readonly graphVersion: string };
}

/** What is needed to act for the app; undefined if its Secret has no usable value. @throws ClusterUnavailableError */
export async function readAppCredentials(
  { secrets, clock, options }: AppCredentialsDeps,
  app: MessengerApp,
  signal: AbortSignal,
): Promise<AppCredentials | undefined> {
  const { appId, appSecretRef, graph } = app.spec;
  const wanted = { namespace: namespaceOf(app), ref: appSecretRef, defaultKey: DEFAULT_KEYS.appSecret, kind: 'app-secret' } as const;
  const found = await readSecret({ secrets, clock, graceMs: options.secretGraceMs }, wanted, signal);
  if (found.kind === 'fault') return undefined;
  return { appId, appSecret: found.secret, graphVersion: graph?.version ?? options.graphVersion };
}
