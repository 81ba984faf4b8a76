import { expect } from '@jest/globals';
import { PAGES } from '../../src/api/kinds.js';
import type { MessengerPage } from '../../src/api/v1alpha1/types.gen.js';
import type { Cluster } from '../../src/runtime/cluster.js';
import { eventually } from '../support/eventually.js';
import { NAMESPACE } from './manifests.js';
import type { Manifest, World } from './world.js';

export const SIGNAL = new AbortController().signal;
export const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
export const RFC3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/;

function until(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => {
      resolve();
    });
  });
}

/** A world that was opened and leads, and how tests look at its pages. */
export class Bench {
  readonly #working = new AbortController();
  #world: World | undefined;
  #leading: Promise<void> | undefined;

  get world(): World {
    if (this.#world === undefined) throw new Error('the world is not open');
    return this.#world;
  }

  get cluster(): Cluster {
    return this.world.cluster;
  }

  async open(open: () => Promise<World>): Promise<void> {
    this.#world = await open();
    this.#leading = this.cluster.lead(until, this.#working.signal);
    await eventually(() => {
      this.cluster.fence.check();
      return true;
    });
  }

  async close(): Promise<void> {
    this.#working.abort();
    await this.#leading;
    await this.world.stop();
  }

  readonly get = (name: string): MessengerPage | undefined => this.cluster.kind(PAGES).informer.get({ namespace: NAMESPACE, name });

  readonly seen = (name: string, holds: (page: MessengerPage) => boolean = () => true): Promise<MessengerPage> =>
    eventually(() => {
      const found = this.get(name);
      return found !== undefined && holds(found) ? found : undefined;
    });

  readonly gone = (name: string): Promise<true> => eventually(() => this.get(name) === undefined || undefined);

  readonly made = async (manifest: Manifest): Promise<MessengerPage> => {
    expect(await this.world.apply(manifest)).toBeUndefined();
    return this.seen(manifest.metadata.name);
  };
}
