import { appendFileSync, readFileSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { KubeObject } from '../api/meta.js';
import { BoundedMap } from '../kit/bounded-map.js';
import { type Clock, rfc3339 } from '../kit/clock.js';
import type { Logger } from '../kit/log.js';
import { keyOf, keyText } from '../core/domain/object-key.js';
import type { EventRecorder, KubeEvent } from '../runtime/ports.js';

/** An Event as it is kept, one JSON object a line. */
export interface KeptEvent extends KubeEvent {
  readonly time: string;
  readonly kind: string;
  /** `namespace/name` */
  readonly object: string;
  readonly uid: string;
}

const FILE = 'events.jsonl';
const OLDER_FILE = 'events.1.jsonl';
const MAX_FILE_BYTES = 1_048_576;
/** The same Event about the same object within this time is one Event. */
const SAME_MS = 6 * 60_000;
const MAX_REMEMBERED = 1_024;

/**
 * Events of standalone: logged, and kept in the state folder, the last one or two megabytes of
 * them. Never throws.
 */
export class EventLog implements EventRecorder {
  readonly #folder: string;
  readonly #clock: Clock;
  readonly #log: Logger;
  /** What was recorded → when. */
  readonly #told = new BoundedMap<string, number>(MAX_REMEMBERED);

  constructor(folder: string, clock: Clock, log: Logger) {
    this.#folder = folder;
    this.#clock = clock;
    this.#log = log;
  }

  record(regarding: KubeObject, { type, reason, action, note }: KubeEvent): void {
    const { uid = '' } = regarding.metadata;
    if (this.#isRepeated(`${uid} ${type} ${reason} ${note}`)) return;
    const kind = regarding.kind ?? '';
    const object = keyText(keyOf(regarding));
    this.#log[type === 'Warning' ? 'warn' : 'info']('event', { kind, object, reason, action, note });
    this.#append({ time: rfc3339(this.#clock.nowMs()), kind, object, uid, type, reason, action, note: note.slice(0, 1_024) });
  }

  #isRepeated(what: string): boolean {
    const now = this.#clock.monotonicMs();
    const before = this.#told.get(what);
    this.#told.set(what, now);
    return before !== undefined && now - before < SAME_MS;
  }

  #append(event: KeptEvent): void {
    const path = join(this.#folder, FILE);
    try {
      const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
      if (size > MAX_FILE_BYTES) renameSync(path, join(this.#folder, OLDER_FILE));
      appendFileSync(path, `${JSON.stringify(event)}\n`, { mode: 0o600 });
    } catch (error) {
      this.#log.error('an event could not be kept', { error });
    }
  }
}

/** The Events that a state folder holds, oldest first. */
export function readEvents(folder: string): readonly KeptEvent[] {
  return [OLDER_FILE, FILE].flatMap((name) => {
    try {
      return readFileSync(join(folder, name), 'utf8').split('\n').flatMap(parseLine);
    } catch {
      return [];
    }
  });
}

function parseLine(line: string): readonly KeptEvent[] {
  try {
    return line === '' ? [] : [JSON.parse(line) as KeptEvent];
  } catch {
    // The last line of a process that was killed.
    return [];
  }
}
