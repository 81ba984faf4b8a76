import type { Clock } from '../kit/clock.js';
import { keyText, type NamespacedName } from '../core/domain/object-key.js';

interface Health {
  parkedMs: number | undefined;
  /** Times in a row that it was parked again soon after the credentials had been found good. */
  relapses: number;
  clearedMs: number | undefined;
  askedMs: number | undefined;
  asked: boolean;
  refused: ReadonlySet<string>;
  /** The refused fields that the pages know of, as text. */
  refusedTold: string;
}

const PROBE_BASE_MS = 60_000;
const PROBE_MAX_MS = 10 * 60_000;
const RELAPSE_WITHIN_MS = 15 * 60_000;
const ASK_EVERY_MS = 30_000;
const ASK_AGAIN_EVERY_MS = 5 * 60_000;
const NONE: ReadonlySet<string> = new Set();

/**
 * What an app and its pages tell each other in memory: whether the pages are parked because Graph
 * refuses the app's own credential, whether a page asked the app to check that Graph is reachable,
 * and which fields Graph refuses for the app. One entry per app.
 */
export class AppHealth {
  readonly #clock: Clock;
  readonly #apps = new Map<string, Health>();
  readonly #onAsk = new Set<(app: NamespacedName) => void>();
  readonly #onWakePages = new Set<(app: NamespacedName) => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  isParked(app: NamespacedName): boolean {
    return this.#apps.get(keyText(app))?.parkedMs !== undefined;
  }

  /** A page met an AppCredentialError: the other pages wait while one probe asks Graph. */
  park(app: NamespacedName): void {
    const health = this.#of(app);
    if (health.parkedMs !== undefined) return;
    const now = this.#clock.monotonicMs();
    const relapsed = health.clearedMs !== undefined && now - health.clearedMs < RELAPSE_WITHIN_MS;
    health.relapses = relapsed ? health.relapses + 1 : 0;
    health.parkedMs = now;
    this.#ask(app, health);
  }

  /**
   * Graph accepts the app's credentials. Its pages go on, unless they were parked again just after
   * the last time.
   * @returns milliseconds until they may, 0 if they do now
   */
  clear(app: NamespacedName): number {
    const health = this.#apps.get(keyText(app));
    if (health?.parkedMs === undefined) return 0;
    const now = this.#clock.monotonicMs();
    const waitMs = health.relapses === 0 ? 0 : Math.min(PROBE_MAX_MS, PROBE_BASE_MS * 2 ** Math.min(health.relapses - 1, 10));
    const leftMs = health.parkedMs + waitMs - now;
    if (leftMs > 0) return leftMs;
    health.parkedMs = undefined;
    health.clearedMs = now;
    this.#wakePages(app);
    return 0;
  }

  /** A page could not reach Graph: the app is asked to check it. At most once in 30 seconds. */
  ask(app: NamespacedName): void {
    this.#askWithin(app, ASK_EVERY_MS);
  }

  /**
   * A page reached Graph though the app could not: the app is asked to check again. At most once in
   * 5 minutes.
   */
  askAgain(app: NamespacedName): void {
    this.#askWithin(app, ASK_AGAIN_EVERY_MS);
  }

  #askWithin(app: NamespacedName, everyMs: number): void {
    const health = this.#of(app);
    if (health.askedMs !== undefined && this.#clock.monotonicMs() - health.askedMs < everyMs) return;
    this.#ask(app, health);
  }

  /** Whether a page asked since the last call. */
  takeQuestion(app: NamespacedName): boolean {
    const health = this.#apps.get(keyText(app));
    const asked = health?.asked ?? false;
    if (health !== undefined) health.asked = false;
    return asked;
  }

  /** Fields that Graph refused for the app, as far as this process has tried. */
  refusedFields(app: NamespacedName): ReadonlySet<string> {
    return this.#apps.get(keyText(app))?.refused ?? NONE;
  }

  setRefusedFields(app: NamespacedName, fields: ReadonlySet<string>): void {
    this.#of(app).refused = fields;
  }

  /**
   * Wakes the pages if Graph refuses other fields than when this was called last. For the end of a
   * pass over the app.
   */
  tellRefusedFields(app: NamespacedName): void {
    const health = this.#of(app);
    const refused = [...health.refused].sort().join();
    if (refused === health.refusedTold) return;
    health.refusedTold = refused;
    this.#wakePages(app);
  }

  forget(app: NamespacedName): void {
    this.#apps.delete(keyText(app));
  }

  onAsk(handler: (app: NamespacedName) => void): () => void {
    this.#onAsk.add(handler);
    return () => this.#onAsk.delete(handler);
  }

  /**
   * Called when the app's pages are to run again: they are not parked any more, or Graph refuses
   * other fields.
   */
  onWakePages(handler: (app: NamespacedName) => void): () => void {
    this.#onWakePages.add(handler);
    return () => this.#onWakePages.delete(handler);
  }

  #wakePages(app: NamespacedName): void {
    for (const handler of this.#onWakePages) handler(app);
  }

  #ask(app: NamespacedName, health: Health): void {
    health.asked = true;
    health.askedMs = this.#clock.monotonicMs();
    for (const handler of this.#onAsk) handler(app);
  }

  #of(app: NamespacedName): Health {
    const known = this.#apps.get(keyText(app));
    if (known !== undefined) return known;
    const fresh: Health = {
      parkedMs: undefined,
      relapses: 0,
      clearedMs: undefined,
      askedMs: undefined,
      asked: false,
      refused: NONE,
      refusedTold: '',
    };
    this.#apps.set(keyText(app), fresh);
    return fresh;
  }
}
