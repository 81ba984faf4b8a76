import { existsSync } from 'node:fs';
import type { Kind } from '../api/kinds.js';
import type { Logger } from '../kit/log.js';
import type { Column } from '../folder/crd.js';
import { type KeptEvent, readEvents } from '../folder/event-log.js';
import { problemText } from '../folder/problem.js';
import { StateFolder, type StoredObject } from '../folder/state-folder.js';
import { loadCrd } from '../folder/crds.js';

/** The objects of one kind, and how they are shown. */
export interface Listing {
  readonly columns: readonly Column[];
  readonly objects: readonly StoredObject[];
  /** The last Event of an object, by `namespace/name`. */
  readonly lastEvents: ReadonlyMap<string, Pick<KeptEvent, 'type' | 'reason' | 'note' | 'time'>>;
  /** Sentences for the reader, shown beside the table. */
  readonly notes: readonly string[];
  /** Admin address of the process that runs from a state folder, as it noted it there. */
  readonly adminUrl?: string | undefined;
}

/** What standalone keeps of a kind. @throws Error when there is no such folder. */
export function listStateFolder(path: string, kind: Kind, log: Logger): Listing {
  if (!existsSync(path)) throw new Error(`there is no state folder ${path}; standalone makes it (--state-dir)`);
  const state = new StateFolder(path);
  const events = readEvents(path).filter((event) => event.kind === kind.kind);
  return {
    columns: loadCrd(kind).columns,
    objects: state.load(kind.plural, log),
    lastEvents: new Map(events.map((event) => [event.object, event])),
    notes: state.loadProblems().map((problem) => `not used as it stands: ${problemText(problem)}`),
    adminUrl: state.loadAdminUrl(),
  };
}
