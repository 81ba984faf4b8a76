import type { MessengerApp } from '../../src/api/v1alpha1/types.gen.js';
import { findCondition } from '../../src/runtime/conditions.js';
import { isBeingDeleted } from '../../src/runtime/finalizers.js';
import type { ServerChange } from './api-server.js';
import { MAX_WAY_MS, type Host } from './host.js';
import { appWorks } from './truth.js';
import type { World } from './world.js';

const RECENT_MS = 60_000;
/**
 * Graph shows a write that late at the latest, and what was read before it may be written back so
 * much later.
 */
const LAG_MS = 12_000;

interface Right {
  readonly fromMs: number;
  /** An app of this id is managed, and stays. */
  readonly may: boolean;
}

/** What holds of the writes of `/{app-id}/subscriptions`. */
export class AppWrites {
  total = 0;
  readonly #world: World;
  readonly #violated: (property: string, what: string) => void;
  readonly #writes = new Map<string, number>();
  readonly #allowed = new Map<string, number>();
  readonly #rights = new Map<string, Right[]>();
  readonly #lastWrite = new Map<Host, Map<string, number>>();
  readonly #arrivedMs = new Map<string, number>();

  constructor(world: World, violated: (property: string, what: string) => void) {
    this.#world = world;
    this.#violated = violated;
  }

  /** One more write is right: something changed, or an answer was lost. */
  allow(appId: string): void {
    this.#allowed.set(appId, (this.#allowed.get(appId) ?? 0) + 1);
  }

  changed({ plural, object }: ServerChange): void {
    if (plural !== 'messengerapps') return;
    const { appId } = (object as MessengerApp).spec;
    const may = this.#world.server
      .list('messengerapps')
      .some((app) => app.spec.appId === appId && isManaged(app) && !isTurnedAway(this.#world, app));
    const rights = this.#rights.get(appId) ?? [];
    rights.push({ fromMs: this.#nowMs(), may });
    if (rights.length > 32) rights.shift();
    this.#rights.set(appId, rights);
  }

  /** A write sets out. @returns to be called when its outcome is not known to the writer */
  begins(host: Host, appId: string): () => void {
    this.total += 1;
    const nowMs = this.#nowMs();
    if (this.#isUnready(host)) this.#violated('app_unready', `${host.name} writes app ${appId} while no webhook can answer`);
    if (!this.#mayHave(host, appId)) this.#violated('stale_app_write', `${host.name} writes app ${appId}, which is not managed`);
    const writes = (this.#writes.get(appId) ?? 0) + 1;
    this.#writes.set(appId, writes);
    const allowed = this.#allowed.get(appId) ?? 0;
    if (writes > allowed) this.#violated('too_many_app_writes', `${writes} writes of app ${appId}, ${allowed} are explained`);
    const last = this.#lastWrite.get(host) ?? new Map<string, number>();
    this.#lastWrite.set(host, last.set(appId, nowMs));
    return () => {
      this.allow(appId);
    };
  }

  /** It is about to replace what Graph has: nothing may be lost that was there to be seen. */
  arrives(appId: string, fields: readonly string[]): void {
    const lost = (this.#world.graph.appRows.get(appId)?.fields ?? []).filter((field) => !fields.includes(field));
    const sinceMs = this.#nowMs() - (this.#arrivedMs.get(appId) ?? -Infinity);
    if (lost.length > 0 && sinceMs > LAG_MS) this.#violated('field_taken', `app ${appId} loses ${lost.join()}`);
    this.#arrivedMs.set(appId, this.#nowMs());
  }

  processEnded(host: Host): void {
    for (const [appId, atMs] of this.#lastWrite.get(host) ?? []) if (this.#nowMs() - atMs < RECENT_MS) this.allow(appId);
  }

  /** The object is read live after that was looked at. */
  #isUnready(host: Host): boolean {
    const { publicReady, publicReadySinceMs } = this.#world;
    return !publicReady && this.#nowMs() - publicReadySinceMs > 2 * MAX_WAY_MS + 1 + host.pauseBefore();
  }

  #mayHave(host: Host, appId: string): boolean {
    const sinceMs = this.#nowMs() - MAX_WAY_MS - 1 - host.pauseBefore();
    const rights = this.#rights.get(appId) ?? [];
    return rights.some(({ fromMs, may }, index) => may && (fromMs >= sinceMs || (rights[index + 1]?.fromMs ?? Infinity) >= sinceMs));
  }

  #nowMs(): number {
    return this.#world.clock.monotonicMs();
  }
}

function isManaged(app: MessengerApp): boolean {
  return app.spec.webhook?.subscription === 'Manage' && app.spec.suspend !== true && !isBeingDeleted(app);
}

/** Another object stands for the same app, and keeps doing so. */
function isTurnedAway(world: World, app: MessengerApp): boolean {
  if (findCondition(app.status?.conditions, 'Accepted')?.reason !== 'AppClaimed') return false;
  const others = world.server.list('messengerapps').filter((one) => one !== app && one.spec.appId === app.spec.appId);
  return others.some((one) => appWorks(world, one));
}
