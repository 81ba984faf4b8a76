import type { MessengerApp, MessengerPage } from '../../api/v1alpha1/types.gen.js';
import type { Clock } from '../../kit/clock.js';
import type { Logger } from '../../kit/log.js';
import type { Lister, LiveReader, StatusWriter } from '../../runtime/ports.js';
import type { NamespaceLabels } from '../../relations/relations.js';
import type { Proofs } from '../proofs.js';
import type { StatusMemory } from '../status-memory.js';

export interface ClaimArbiterDeps {
  /** With the index `pageId` of PAGE_INDEXES. */
  readonly pages: Pick<Lister<MessengerPage>, 'get' | 'byIndex'>;
  readonly apps: Pick<Lister<MessengerApp>, 'get'>;
  readonly namespaces: NamespaceLabels;
  readonly livePages: LiveReader<MessengerPage>;
  /**
   * The plain writer: what it writes for other pages than the one at hand wakes them as a foreign
   * change does.
   */
  readonly status: StatusWriter<MessengerPage>;
  readonly statuses: StatusMemory<MessengerPage>;
  readonly appStatuses: StatusMemory<MessengerApp>;
  readonly proofs: Proofs;
  readonly clock: Clock;
  readonly log: Logger;
  readonly className: string;
}
