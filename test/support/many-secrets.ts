import { randomBytes } from 'node:crypto';
import { ApiStatusError } from './control-plane-client.js';
import { eventually } from './eventually.js';
import { inParallel } from './in-parallel.js';
import { memoryOf, type Memory } from './memory.js';
import { ROLES, type Role } from './operator.js';
import { NAMESPACE, type PageWorld } from './page-world.js';

const PATH = `/api/v1/namespaces/${NAMESPACE}/secrets`;
const AT_ONCE = 16;
const TRIES = 5;
/** Until every role's watch has reported the last change. */
const FOLLOW_DEADLINE_MS = 120_000;

export interface ManySecrets {
  readonly count: number;
  /** Of the data of each. */
  readonly bytes: number;
  /**
   * Of these, applied as `kubectl apply` does, which repeats the data in an annotation: so many of
   * the count.
   */
  readonly annotated: number;
}

export type Memories = Readonly<Record<Role, Memory>>;

/** Secrets that no object refers to, in the namespace that every role watches. */
export class UnrelatedSecrets {
  readonly #world: PageWorld;
  readonly #many: ManySecrets;
  #version = 0;

  constructor(world: PageWorld, many: ManySecrets) {
    this.#world = world;
    this.#many = many;
  }

  async create(): Promise<void> {
    await this.#each(this.#many.count, (index) => this.#world.cluster.admin.create(PATH, this.#secret(index)));
  }

  /** Writes other data into the first so many, or all. */
  async update(count = this.#many.count): Promise<void> {
    this.#version += 1;
    await this.#each(count, (index) => this.#world.cluster.admin.replace(`${PATH}/${nameOf(index)}`, this.#secret(index)));
  }

  /** Deletes the first so many, or all. */
  async delete(count = this.#many.count): Promise<void> {
    await this.#each(count, (index) => this.#world.cluster.admin.delete(`${PATH}/${nameOf(index)}`));
  }

  async #each(count: number, change: (index: number) => Promise<unknown>): Promise<void> {
    const before = await this.#eventsSeen();
    await inParallel(
      Array.from({ length: count }, (_, index) => index),
      AT_ONCE,
      (index) => persistently(() => change(index)),
    );
    await eventually(
      async () => {
        const now = await this.#eventsSeen();
        return ROLES.every((role) => now[role] - before[role] >= count);
      },
      FOLLOW_DEADLINE_MS,
      'every role having seen every change',
    );
  }

  async #eventsSeen(): Promise<Record<Role, number>> {
    const counts = await Promise.all(ROLES.map(async (role) => eventsIn(await this.#world.operator.metrics(role))));
    return Object.fromEntries(ROLES.map((role, index) => [role, counts[index] ?? 0])) as Record<Role, number>;
  }

  #secret(index: number): unknown {
    const data = { blob: dataOf(this.#many.bytes, `${index}-${this.#version}`) };
    const applied = { 'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify({ apiVersion: 'v1', kind: 'Secret', data }) };
    const annotations = index < this.#many.annotated ? { annotations: applied } : {};
    return { apiVersion: 'v1', kind: 'Secret', metadata: { name: nameOf(index), namespace: NAMESPACE, ...annotations }, data };
  }
}

/** What every role holds. */
export async function memories({ operator }: PageWorld): Promise<Memories> {
  const found = await Promise.all(ROLES.map(async (role) => memoryOf(await operator.output(role))));
  return Object.fromEntries(ROLES.map((role, index) => [role, found[index]])) as unknown as Memories;
}

/** What a role holds that does not go by itself. */
export function held({ heapUsed, external }: Memory): number {
  return heapUsed + external;
}

/** Again where a busy server ran out of time; then a change may have been made all the same. */
async function persistently(change: () => Promise<unknown>): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await change();
      return;
    } catch (error) {
      if (!(error instanceof ApiStatusError)) throw error;
      if (tries > 1 && error.status === 409) return;
      if (error.status < 500 || tries === TRIES) throw error;
    }
  }
}

let filler = '';

/** Base64 that does not compress, another one for every `mark`. */
function dataOf(bytes: number, mark: string): string {
  if (filler.length < bytes * 1.34) filler = randomBytes(bytes).toString('base64');
  const start = Buffer.from(mark.padEnd(30)).toString('base64');
  return start + filler.slice(start.length);
}

function nameOf(index: number): string {
  return `unrelated-${String(index).padStart(5, '0')}`;
}

function eventsIn(metrics: string): number {
  return Number(/^messenger_watch_events_total\{resource="secrets",event="event"\} (\d+)/m.exec(metrics)?.[1] ?? NaN);
}
