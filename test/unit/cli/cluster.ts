import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../folder/fixtures.js';
import { type Answer, json, ScriptedApi, type Seen, status } from '../k8s/scripted-api.js';

/**
 * An API server whose answer to every request the test decides, with a kubeconfig that leads to it.
 */
export class ListedCluster {
  readonly #api = new ScriptedApi();
  kubeconfig = '';
  /** By the resource's plural; a resource without one does not exist. */
  readonly lists: Record<string, (seen: Seen) => Answer> = {};

  async start(): Promise<this> {
    await this.#api.start();
    this.#api.otherwise((response, seen) => {
      const plural = seen.url.pathname.split('/').at(-1) ?? '';
      (this.lists[plural]?.(seen) ?? status(404, 'NotFound'))(response, seen);
    });
    this.kubeconfig = join(temporaryFolder(), 'kubeconfig');
    const config = {
      clusters: [{ name: 'c', cluster: { server: this.#api.origin, 'insecure-skip-tls-verify': true } }],
      users: [{ name: 'u', user: { token: 't' } }],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
      'current-context': 'x',
    };
    writeFileSync(this.kubeconfig, JSON.stringify(config));
    return this;
  }

  /** How often a resource was listed. */
  requests(plural: string): number {
    return this.#api.seen.filter(({ url }) => url.pathname.endsWith(plural)).length;
  }

  stop(): Promise<void> {
    return this.#api.stop();
  }
}

export function listOf(items: readonly object[], more?: string): Answer {
  return json(200, { metadata: { resourceVersion: '7', ...(more === undefined ? {} : { continue: more }) }, items });
}

/** A page as a list has it: without its kind. */
export function listedPage(name: string): object {
  const metadata = {
    ...{ name, namespace: 'bots', uid: name, creationTimestamp: '2020-01-01T00:00:00Z' },
    deletionTimestamp: '2026-01-01T00:00:00Z',
    finalizers: ['messenger-operator.dev/unsubscribe'],
  };
  return { metadata, spec: { pageId: name, appRef: { name: 'main' }, accessTokenSecretRef: { name } } };
}
