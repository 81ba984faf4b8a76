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
}

const PROBE_BASE_MS = 60_000;
const PROBE_MAX_MS = 10 * 60_000;
const RELAPSE_WITHIN_MS = 15 * 60_000;
const ASK_EVERY_MS = 30_000;
const ASK_AGAIN_EVERY_MS = 5 * 60_000;
const NONE: ReadonlySet<string> = new Set();

/**
 * What the pages of an app and the app itself tell each other, in memory: whether its pages are parked because Graph refuses
 * the app's own credential, that somebody ought to look whether Graph is reachable, and which fields Graph refuses for the app.
 * One entry an app.
 */
export class AppHealth {
  readonly #clock: Clock;
  readonly #apps = new Map<string, Health>();
  readonly #onAsk = new Set<(app: NamespacedName) => void>();
  readonly #onClear = new Set<(app: NamespacedName) => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  isParked(app: NamespacedName): boolean {
    return this.#apps.get(keyText(app))?.parkedMs !== undefined;
  }

  /** A page met an AppCredentialError: the others wait, one probe asks Graph. */
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
   * Graph accepts the app's credentials. Its pages go on, unless they were parked again just after the last time.
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
    for (const handler of this.#onClear) handler(app);
    return 0;
  }

  /** A page could not reach Graph: the app shall look and say so once. At most one question in 30 seconds. */
  ask(app: NamespacedName): void {
    this.#askWithin(app, ASK_EVERY_MS);
  }

  /** A page reached Graph though the app could not: the app shall look again. At most one question in 5 minutes. */
  askAgain(app: NamespacedName): void {
    this.#askWithin(app, ASK_AGAIN_EVERY_MS);
  }

  #askWithin(app: NamespacedName, everyMs: number): void {
    const health = this.#of(app);
    if (health.askedMs !== undefined && this.#clock.monotonicMs() - health.askedMs < everyMs) return;
    this.#ask(app, health);
  }

  /** Whether somebody asked since the last time. */
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

  forget(app: NamespacedName): void {
    this.#apps.delete(keyText(app));
  }

  onAsk(handler: (app: NamespacedName) => void): () => void {
    this.#onAsk.add(handler);
    return () => this.#onAsk.delete(handler);
  }

  onClear(handler: (app: NamespacedName) => void): () => void {
    this.#onClear.add(handler);
    return () => this.#onClear.delete(handler);
  }

  #ask(app: NamespacedName, health: Health): void {
    health.asked = true;
    health.askedMs = this.#clock.monotonicMs();
    for (const handler of this.#onAsk) handler(app);
  }

  #of(app: NamespacedName): Health {
    const known = this.#apps.get(keyText(app));
    if (known !== undefined) return known;
    const fresh: Health = { parkedMs: undefined, relapses: 0, clearedMs: undefined, askedMs: undefined, asked: false, refused: NONE };
    this.#apps.set(keyText(app), fresh);
    return fresh;
  }
}
