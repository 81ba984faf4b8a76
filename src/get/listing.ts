import { existsSync } from 'node:fs';
import type { Logger } from '../kit/log.js';
import type { Column, Crd } from '../folder/crd.js';
import { type KeptEvent, readEvents } from '../folder/event-log.js';
import { problemText } from '../folder/problem.js';
import { StateFolder, type StoredObject } from '../folder/state-folder.js';
import { loadCrds } from '../folder/crds.js';

export type { Crd };

/** The objects of one kind, and how they are shown. */
export interface Listing {
  readonly columns: readonly Column[];
  readonly objects: readonly StoredObject[];
  /** The last Event of an object, by `namespace/name`. */
  readonly lastEvents: ReadonlyMap<string, Pick<KeptEvent, 'type' | 'reason' | 'note' | 'time'>>;
  /** What the reader should know besides, in sentences. */
  readonly notes: readonly string[];
  /** Where the process that runs from a state folder told that its admin server is. */
  readonly adminUrl?: string | undefined;
}

/** The kind that a word such as `pages`, `mpage` or `app` means; undefined for another word. */
export function kindNamed(word: string): Crd | undefined {
  const name = word.toLowerCase();
  return [...loadCrds().values()].find(({ names }) => names.includes(name) || names.includes(`messenger${name}`));
}

/** What standalone keeps of a kind. @throws Error when there is no such folder. */
export function listStateFolder(path: string, crd: Crd, log: Logger): Listing {
  if (!existsSync(path)) throw new Error(`there is no state folder ${path}; standalone makes it (--state-dir)`);
  const state = new StateFolder(path);
  const events = readEvents(path).filter(({ kind }) => kind === crd.kind);
  return {
    columns: crd.columns,
    objects: state.load(crd.plural, log),
    lastEvents: new Map(events.map((event) => [event.object, event])),
    notes: state.loadProblems().map((problem) => `not used as it stands: ${problemText(problem)}`),
    adminUrl: state.loadAdminUrl(),
  };
}
