import { Agent, request as httpsRequest, type RequestOptions } from 'node:https';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { parseAllDocuments } from 'yaml';

const REQUEST_DEADLINE_MS = 30_000;
const SHOWN_CHARACTERS = 2_000;
const JSON_TYPE = 'application/json';

/** How the API server is reached, and as whom. */
export interface ApiAccess {
  readonly server: URL;
  /** PEM; undefined means that the machine's own roots are trusted. */
  readonly ca: string | undefined;
  readonly token?: string | undefined;
  /** A client certificate and its key, PEM. */
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

/** The part of an object that every Kubernetes object has. */
export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid?: string;
    readonly resourceVersion?: string;
    readonly generation?: number;
    readonly creationTimestamp?: string;
    readonly deletionTimestamp?: string;
    readonly finalizers?: readonly string[];
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly [field: string]: unknown;
}

/** An answer as it came; `body` is parsed when it is JSON, a string otherwise. */
export interface ApiResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: unknown;
}

/** The API server answered with something other than 2xx. */
export class ApiStatusError extends Error {
  readonly status: number;
  /** The Status' reason, such as `NotFound` or `Invalid`; empty if the body is no Status. */
  readonly reason: string;
  readonly body: unknown;

  constructor(what: string, response: ApiResponse) {
    const { message = shown(response.body), reason = '' } = statusOf(response.body);
    super(`${what}: ${response.status} ${reason} ${message}`);
    this.name = 'ApiStatusError';
    this.status = response.status;
    this.reason = reason;
    this.body = response.body;
  }
}

/**
 * Talks to the API server as plainly as can be: paths in, objects out. For the tests'
 * own preparations and checks; shares no code with the operator, so that an error of
 * the operator's client cannot hide itself.
 */
export class ControlPlaneClient {
  readonly #access: ApiAccess;
  readonly #agent: Agent;
  readonly #resources = new Map<string, ResourceList>();

  constructor(access: ApiAccess) {
    this.#access = access;
    const { ca, cert, key } = access;
    this.#agent = new Agent({ keepAlive: true, ...present({ ca, cert, key }) });
  }

  /** One request, whatever the answer's status. */
  async request(method: string, path: string, body?: unknown, contentType = JSON_TYPE): Promise<ApiResponse> {
    try {
      return await this.#send(method, path, body, contentType);
    } catch (error) {
      // A kept connection that the server closed meanwhile (it was restarted) says nothing about
      // the server now.
      if (!(error instanceof StaleConnectionError)) throw error;
      return await this.#send(method, path, body, contentType);
    }
  }

  /** @throws {ApiStatusError} for any status but 2xx. */
  async get<T = KubeObject>(path: string): Promise<T> {
    return (await this.#ok('GET', path)) as T;
  }

  /** The object, or undefined where there is none. */
  async find<T = KubeObject>(path: string): Promise<T | undefined> {
    const response = await this.request('GET', path);
    if (response.status === 404) return undefined;
    return accepted(`GET ${path}`, response) as T;
  }

  /** The items of a collection, all at once. */
  async list<T = KubeObject>(path: string): Promise<readonly T[]> {
    return ((await this.#ok('GET', path)) as { items: T[] }).items;
  }

  /** POST to a collection (or to a subresource such as `…/token`). */
  async create<T = KubeObject>(collectionPath: string, object: unknown): Promise<T> {
    return (await this.#ok('POST', collectionPath, object)) as T;
  }

  /** PUT: replaces the object; a `resourceVersion` in it makes it conditional. */
  async replace<T = KubeObject>(path: string, object: unknown): Promise<T> {
    return (await this.#ok('PUT', path, object)) as T;
  }

  /** A merge patch, or another kind by its content type. */
  async patch<T = KubeObject>(path: string, patch: unknown, contentType = 'application/merge-patch+json'): Promise<T> {
    return (await this.#ok('PATCH', path, patch, contentType)) as T;
  }

  /**
   * Deletes; an object that is not there is fine. Does not wait for finalizers: see {@link
   * waitForGone}.
   */
  async delete(path: string, options: unknown = {}): Promise<void> {
    const response = await this.request('DELETE', path, options);
    if (response.status !== 404) accepted(`DELETE ${path}`, response);
  }

  /** Server-side apply of one object, forced. */
  async apply(object: KubeObject, fieldManager = 'test'): Promise<KubeObject> {
    const path = `${await this.pathOf(object)}?fieldManager=${encodeURIComponent(fieldManager)}&force=true`;
    return this.patch(path, object, 'application/apply-patch+yaml');
  }

  /**
   * Server-side applies every document of a YAML stream in order; waits after a
   * CustomResourceDefinition until it is served.
   */
  async applyYaml(text: string, fieldManager = 'test'): Promise<readonly KubeObject[]> {
    const applied: KubeObject[] = [];
    for (const object of parseAllDocuments(text).map((document) => document.toJS() as KubeObject | null)) {
      if (object === null) continue;
      const result = await this.apply(object, fieldManager);
      if (object.kind === 'CustomResourceDefinition') {
        await this.waitFor(await this.pathOf(object), (crd) => isTrue(crd, 'Established'));
      }
      applied.push(result);
    }
    return applied;
  }

  /**
   * The object's own path, by the server's discovery; waits a little for a kind that is not served
   * yet.
   */
  async pathOf(object: Pick<KubeObject, 'apiVersion' | 'kind' | 'metadata'>): Promise<string> {
    const { apiVersion, kind, metadata } = object;
    const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
    const resource = await until(
      async () => this.#resource(root, kind),
      10_000,
      () => `${apiVersion} ${kind} is not served`,
    );
    const folder = resource.namespaced ? `/namespaces/${metadata.namespace ?? 'default'}` : '';
    return `${root}${folder}/${resource.name}/${encodeURIComponent(metadata.name)}`;
  }

  /**
   * Reads `path` until `predicate` holds, and returns the object then.
   * @throws with the last object seen, when `deadlineMs` pass before.
   */
  async waitFor<T = KubeObject>(path: string, predicate: (object: T) => boolean, deadlineMs = 10_000): Promise<T> {
    let last: T | undefined;
    return until(
      async () => {
        last = await this.find<T>(path);
        return last !== undefined && predicate(last) ? last : undefined;
      },
      deadlineMs,
      () => `${path} was not as awaited within ${deadlineMs} ms; last seen: ${shown(last)}`,
    );
  }

  /** Waits until there is nothing at `path`. */
  async waitForGone(path: string, deadlineMs = 10_000): Promise<void> {
    let last: unknown;
    const look = async (): Promise<true | undefined> => ((last = await this.find(path)) === undefined ? true : undefined);
    await until(look, deadlineMs, () => `${path} was still there after ${deadlineMs} ms: ${shown(last)}`);
  }

  /** Closes the kept connections. */
  close(): void {
    this.#agent.destroy();
  }

  async #resource(root: string, kind: string): Promise<Resource | undefined> {
    const known = (list: ResourceList | undefined): Resource | undefined =>
      list?.resources.find((resource) => resource.kind === kind && !resource.name.includes('/'));
    const found = known(this.#resources.get(root));
    if (found !== undefined) return found;
    const list = await this.find<ResourceList>(root);
    if (list !== undefined) this.#resources.set(root, list);
    return known(list);
  }

  async #ok(method: string, path: string, body?: unknown, contentType = JSON_TYPE): Promise<unknown> {
    return accepted(`${method} ${path}`, await this.request(method, path, body, contentType));
  }

  async #send(method: string, path: string, body: unknown, contentType: string): Promise<ApiResponse> {
    const { server, token } = this.#access;
    const payload = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
    const headers: Record<string, string> = { accept: JSON_TYPE, 'user-agent': 'messenger-operator-test' };
    if (token !== undefined) headers['authorization'] = `Bearer ${token}`;
    if (payload !== undefined) {
      headers['content-type'] = contentType;
      headers['content-length'] = String(Buffer.byteLength(payload));
    }
    return exchange(new URL(path, server), { method, headers, agent: this.#agent, timeout: REQUEST_DEADLINE_MS }, payload);
  }
}

interface Resource {
  readonly name: string;
  readonly kind: string;
  readonly namespaced: boolean;
}

interface ResourceList {
  readonly resources: readonly Resource[];
}

class StaleConnectionError extends Error {}

function exchange(url: URL, options: RequestOptions, payload: string | undefined): Promise<ApiResponse> {
  return new Promise((resolve, reject) => {
    const request = httpsRequest(url, options, (response) => {
      read(response).then(resolve, reject);
    });
    request.once('timeout', () => request.destroy(new Error(`no answer from ${url.href} within ${REQUEST_DEADLINE_MS} ms`)));
    request.once('error', (error: NodeJS.ErrnoException) => {
      const stale = request.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
      reject(stale ? new StaleConnectionError(error.message, { cause: error }) : error);
    });
    request.end(payload);
  });
}

async function read(response: IncomingMessage): Promise<ApiResponse> {
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += chunk as string;
  const isJson = response.headers['content-type']?.startsWith(JSON_TYPE) === true;
  return { status: response.statusCode ?? 0, headers: response.headers, body: isJson ? (JSON.parse(text) as unknown) : text };
}

function accepted(what: string, response: ApiResponse): unknown {
  if (response.status < 200 || response.status > 299) throw new ApiStatusError(what, response);
  return response.body;
}

async function until<T>(probe: () => Promise<T | undefined>, deadlineMs: number, complaint: () => string): Promise<T> {
  const end = performance.now() + deadlineMs;
  for (;;) {
    const value = await probe();
    if (value !== undefined) return value;
    if (performance.now() > end) throw new Error(complaint());
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function isTrue(object: KubeObject, type: string): boolean {
  const status = object['status'] as { conditions?: readonly { type: string; status: string }[] } | undefined;
  return status?.conditions?.some((condition) => condition.type === type && condition.status === 'True') === true;
}

/** What a `Status` object says; nothing for another body. */
function statusOf(body: unknown): { readonly message?: string; readonly reason?: string } {
  return typeof body === 'object' && body !== null ? body : {};
}

function shown(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value).slice(0, SHOWN_CHARACTERS);
}

function present(fields: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(Object.entries(fields).filter((entry): entry is [string, string] => entry[1] !== undefined));
}
