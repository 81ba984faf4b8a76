import type { AppConditionType } from '../../api/v1alpha1/conditions.js';
import type { MessengerApp, MessengerAppStatus, MessengerPage } from '../../api/v1alpha1/types.gen.js';
import type { NamespacedName } from '../../core/domain/object-key.js';
import type { AppCredentials } from '../../core/ports/graph.js';
import { tokenFingerprint } from '../../core/secrets/fingerprint.js';
import type { Secret } from '../../core/secrets/secret.js';
import { reconcileRequestOf } from '../../relations/relations.js';
import { PassReport } from '../report.js';
import type { AppMemory } from './memory.js';

export class AppReport extends PassReport<AppConditionType, MessengerAppStatus> {}

/** One pass over one app. */
export interface AppPass {
  readonly key: NamespacedName;
  /** As the cache has it, with the status that this process wrote last. */
  readonly app: MessengerApp;
  /** The pages that name it and may use it. */
  readonly pages: readonly MessengerPage[];
  readonly memory: AppMemory;
  readonly report: AppReport;
  readonly signal: AbortSignal;
}

/** The values behind the app's references; each undefined where there is no usable one. */
export interface AppSecrets {
  readonly credentials: AppCredentials | undefined;
  readonly verifyToken: Secret | undefined;
}

/**
 * A pass over an accepted app whose Secrets are all there: its subscription may be read and
 * written.
 */
export interface AppGraphPass extends AppPass {
  readonly credentials: AppCredentials;
  readonly verifyToken: Secret;
}

/**
 * What Graph's answers about an app depend on, besides Graph: when this text changes, Graph is
 * asked again in the next pass, also for fields that it refused.
 */
export function appBasisOf({ app, credentials }: Pick<AppGraphPass, 'app' | 'credentials'>): string {
  const { uid = '', generation = 0 } = app.metadata;
  return [generation, tokenFingerprint(uid, credentials.appSecret), reconcileRequestOf(app) ?? ''].join('/');
}

/** The same for a write, which sets the verify token as well. */
export function appRefusalBasisOf(pass: AppGraphPass): string {
  return [appBasisOf(pass), tokenFingerprint(pass.app.metadata.uid ?? '', pass.verifyToken)].join('/');
}
