import type { NamespacedName } from '../domain/object-key.js';

/** A role of the operator that reads Secrets beside the controller. */
export type SecretReader = 'webhook' | 'pages-api';

/** Whether the other roles of the operator may read what an object refers to. */
export interface SecretAccess {
  /**
   * The ServiceAccount of `reader`, as `namespace:name`, if it may not read the Secret. undefined:
   * it may, or this is not known. Rejects only when the signal is aborted.
   */
  refused(reader: SecretReader, secret: NamespacedName, signal: AbortSignal): Promise<string | undefined>;
}
