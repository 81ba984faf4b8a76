import { type Kind, PAGES } from '../api/kinds.js';
import { sleep, type Clock } from '../kit/clock.js';
import type { Logger } from '../kit/log.js';
import { DeletionGate, type DeletionGateOptions } from './deletion-gate.js';
import type { FolderReader, Scan } from './folder-reader.js';
import type { FolderWorld } from './folder-world.js';
import type { KindValidator } from './kind-validator.js';
import { type Intake, ManifestIntake } from './manifest-intake.js';
import { ProblemLog } from './problem-log.js';
import type { Problem } from './problem.js';

export interface FolderSourceDeps {
  readonly reader: Pick<FolderReader, 'scan'>;
  readonly world: FolderWorld;
  /** In the order in which objects are removed. */
  readonly kinds: readonly Pick<Kind, 'kind'>[];
  readonly validators: ReadonlyMap<string, KindValidator>;
  /** Empty: all. */
  readonly namespaces: ReadonlySet<string>;
  readonly deletion: DeletionGateOptions;
  readonly clock: Clock;
  readonly log: Logger;
  readonly keepProblems: (problems: readonly Problem[]) => void;
}

/** How soon the folder should be looked at again. */
export type Next = 'soon' | 'later';

/** Removed after our own kinds, which need them. */
const NEEDED_KINDS = ['Service', 'Secret', 'ConfigMap'];
const SETTLE_TRIES = 50;
const SETTLE_MS = 40;

/** Brings what the folder holds into the world, scan by scan. */
export class FolderSource {
  readonly #deps: FolderSourceDeps;
  readonly #gate: DeletionGate;
  readonly #problems: ProblemLog;
  #published = false;
  #refused = false;
  /**
   * A scan without a change has nothing to do: no removal waits, and no manifest waits for its
   * object's deletion.
   */
  #settled = false;

  constructor(deps: FolderSourceDeps) {
    this.#deps = deps;
    this.#gate = new DeletionGate(deps.deletion);
    this.#problems = new ProblemLog(deps.log, deps.keepProblems);
  }

  /** Whether the folder has been taken in once. */
  hasSynced(): boolean {
    return this.#published;
  }

  /** Looks at the folder once. Rejects only when the signal is aborted; calls must not overlap. */
  async pass(signal: AbortSignal): Promise<Next> {
    const scan = await this.#settledScan(signal);
    try {
      return this.#takeIn(scan);
    } catch (error) {
      this.#deps.log.error('the folder of the manifests could not be taken in', { error });
      return 'later';
    }
  }

  /** A file that is being written is waited for, but not for ever. */
  async #settledScan(signal: AbortSignal): Promise<Scan> {
    const { reader, clock } = this.#deps;
    let scan = await reader.scan();
    for (let tries = 0; scan.unsettled && tries < SETTLE_TRIES; tries++) {
      await sleep(clock, SETTLE_MS, signal);
      // Compared with a scan that was never taken in.
      scan = { ...(await reader.scan()), unchanged: false };
    }
    signal.throwIfAborted();
    return scan;
  }

  #takeIn(scan: Scan): Next {
    if (!scan.readable) {
      this.#problems.report(scan.problems);
      return 'later';
    }
    if (!scan.unchanged || !this.#settled) return this.#apply(scan);
    this.#deps.world.touch();
    return 'later';
  }

  #apply(scan: Scan): Next {
    const { world } = this.#deps;
    this.#settled = false;
    const intake = this.#judge(scan);
    const problems = [...scan.problems, ...intake.problems, ...this.#emptiness(scan)];
    for (const manifest of intake.accepted) world.apply(manifest);
    const good = scan.good && !intake.nameless;
    const pending = this.#remove(intake, good);
    if (good || !this.#published) world.settleNamespaces(namespacesOf(intake));
    this.#problems.report(problems);
    if (this.#published) world.touch();
    else world.publish();
    this.#published = true;
    this.#settled = !pending && !this.#refused && !world.isDeleting();
    return pending ? 'soon' : 'later';
  }

  #emptiness({ documents }: Scan): readonly Problem[] {
    if (documents.length > 0 || [...this.#deps.world.known()].length === 0) return [];
    return [{ file: '', message: 'the folder holds no manifests; nothing is removed, since it may be the wrong folder' }];
  }

  #judge(scan: Scan): Intake {
    const { validators, namespaces, world, log } = this.#deps;
    const current = (kind: string, key: { readonly namespace: string; readonly name: string }): object | undefined =>
      world.set(kind).get(key);
    return new ManifestIntake({ validators, namespaces, log, current }).take(scan.documents);
  }

  /** @returns whether something waits to be confirmed */
  #remove({ mentioned }: Intake, good: boolean): boolean {
    const { world, kinds, clock, log } = this.#deps;
    const known = [...world.known()];
    const sightings = known.map(({ kind, id }) => ({ id, isPage: kind === PAGES.kind, found: mentioned.has(id) }));
    const { gone, refused, pending } = this.#gate.judge(sightings, good, clock.monotonicMs());
    if (refused !== undefined && !this.#refused) {
      log.error('many pages vanished at once; nothing is removed without --allow-mass-delete', refused);
    }
    this.#refused = refused !== undefined;
    const goneIds = new Set(gone);
    const order = [...kinds.map(({ kind }) => kind), ...NEEDED_KINDS];
    const leaving = known.filter(({ id }) => goneIds.has(id)).sort((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind));
    for (const { kind, key, id } of leaving) {
      log.info('a manifest is gone from the folder', { object: id });
      world.remove(kind, key);
    }
    return pending && refused === undefined;
  }
}

function namespacesOf({ mentioned }: Intake): ReadonlySet<string> {
  const prefix = 'Namespace ';
  return new Set([...mentioned].filter((id) => id.startsWith(prefix)).map((id) => id.slice(prefix.length)));
}
