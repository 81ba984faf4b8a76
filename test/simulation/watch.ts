import type { KubeObject } from '../../src/api/meta.js';
import { keyOf, keyText } from '../../src/core/domain/object-key.js';
import type { Plural, ServerChange } from './api-server.js';
import type { Host } from './host.js';
import type { World } from './world.js';

/** What a watch fills: a Store, or something that looks like one. */
export interface Sink<T extends KubeObject> {
  replace(objects: readonly T[]): void;
  apply(object: T): void;
  remove(object: T): void;
}

interface Line {
  readonly change: ServerChange;
  skipped: boolean;
}

/**
 * The watch of one kind by one process. Lines come late; those of one object in their order, those
 * of two in any; some are merged with the next of the same object. When it breaks, what is under
 * way is lost until a new list comes.
 */
export class SimWatch<T extends KubeObject> {
  readonly #host: Host;
  readonly #world: World;
  readonly plural: Plural;
  readonly #sink: Sink<T>;
  /** object → when its last line arrives, and that line */
  readonly #lines = new Map<string, { atMs: number; line: Line }>();
  /** Counts the connections: lines of an earlier one are lost. */
  #connection = 0;
  #following = false;
  #notBeforeMs = -Infinity;
  /** The connection is gone, and a list comes when that is noticed. */
  #away = false;
  readonly #awaiting: (() => void)[] = [];

  constructor(host: Host, world: World, plural: Plural, sink: Sink<T>) {
    this.#host = host;
    this.#world = world;
    this.plural = plural;
    this.#sink = sink;
    world.server.onChange((change) => {
      if (change.plural === plural && this.#following) this.#schedule(change);
    });
  }

  /** Resolves once a list that was taken after this call has arrived. */
  refresh(): Promise<void> {
    return new Promise((resolve) => {
      this.#awaiting.push(resolve);
      if (!this.#away) this.list();
    });
  }

  /** The list, and from its version on the lines. */
  list(): void {
    this.#away = false;
    this.#connection += 1;
    const connection = this.#connection;
    this.#following = false;
    this.#host.clock.setTimer(this.#host.random.between(1, 50), () => {
      if (connection !== this.#connection) return;
      const objects = this.#world.server.list(this.plural);
      const delayMs = this.#host.random.between(1, this.#world.chaos ? 2_000 : 50);
      this.#following = true;
      this.#lines.clear();
      this.#notBeforeMs = this.#world.clock.monotonicMs() + delayMs;
      this.#host.clock.setTimer(delayMs, () => {
        if (connection !== this.#connection) return;
        this.#world.trace(this.#host.name, `lists ${this.plural}`);
        this.#sink.replace(objects as readonly KubeObject[] as readonly T[]);
        for (const listed of this.#awaiting.splice(0)) listed();
      });
    });
  }

  /** The connection is gone, which is noticed after `ms`. */
  breakFor(ms: number): void {
    this.#away = true;
    this.#connection += 1;
    const connection = this.#connection;
    this.#following = false;
    this.#host.clock.setTimer(ms, () => {
      if (connection === this.#connection) this.list();
    });
  }

  /** Nothing arrives for so long. */
  holdBack(ms: number): void {
    this.#notBeforeMs = Math.max(this.#notBeforeMs, this.#world.clock.monotonicMs() + ms);
  }

  #schedule(change: ServerChange): void {
    const { random, clock } = this.#host;
    const text = keyText(keyOf(change.object));
    const nowMs = this.#world.clock.monotonicMs();
    const before = this.#lines.get(text);
    const latestMs = this.#world.chaos ? random.pick([20, 300, 3_000]) : 50;
    const atMs = Math.max(nowMs + random.between(1, latestMs), before?.atMs ?? 0, this.#notBeforeMs);
    if (before !== undefined && before.atMs > nowMs && mergeable(before.line.change, change) && random.chance(0.3))
      before.line.skipped = true;
    const line: Line = { change, skipped: false };
    this.#lines.set(text, { atMs, line });
    const connection = this.#connection;
    clock.setTimer(atMs - nowMs, () => {
      if (connection === this.#connection && !line.skipped) this.#deliver(line);
    });
  }

  #deliver({ change }: Line): void {
    const object = change.object as KubeObject as T;
    if (change.gone) this.#sink.remove(object);
    else this.#sink.apply(object);
  }
}

/** Two versions of one object, of which nobody has to see the first. */
function mergeable(first: ServerChange, second: ServerChange): boolean {
  return !first.gone && first.object.metadata.uid === second.object.metadata.uid;
}
