import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { get } from 'node:https';
import { createInterface } from 'node:readline';
import type { IncomingMessage } from 'node:http';
import type { ControlPlane } from './control-plane.js';
import type { KubeObject } from './control-plane-client.js';
import { readKubeconfig } from './control-plane-kubeconfig.js';

/** One line of a watch. */
export interface WatchedVersion {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: KubeObject;
}

/**
 * Every version of every object of a collection, as the API server tells it to the admin; nothing
 * is merged or left out.
 */
export class RawWatch {
  readonly versions: WatchedVersion[] = [];
  readonly #response: IncomingMessage;
  #problem: string | undefined;

  private constructor(response: IncomingMessage) {
    this.#response = response;
    createInterface({ input: response }).on('line', (line) => {
      const { type, object } = JSON.parse(line) as { readonly type: string; readonly object: KubeObject };
      if (type === 'ERROR') this.#problem = line;
      else this.versions.push({ type: type as WatchedVersion['type'], object });
    });
    response.on('close', () => (this.#problem ??= 'it ended'));
  }

  /**
   * From what is there now; the API server ends it after ten minutes. Only for a cluster that is
   * ours.
   */
  static async start(cluster: ControlPlane, path: string): Promise<RawWatch> {
    const { server, ca, token } = readKubeconfig(await readFile(cluster.adminKubeconfig, 'utf8'));
    const url = new URL(`${path}?watch=1&timeoutSeconds=600`, server);
    const request = get(url, { ca, agent: false, headers: { authorization: `Bearer ${token ?? ''}` } });
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    if (response.statusCode !== 200) throw new Error(`a watch of ${path} was answered ${response.statusCode ?? 0}`);
    return new RawWatch(response);
  }

  /** @throws when the watch has not lived until now, because versions may be missing then */
  stop(): readonly WatchedVersion[] {
    const problem = this.#problem;
    this.#response.destroy();
    if (problem !== undefined) throw new Error(`the watch broke: ${problem}`);
    return this.versions;
  }
}
