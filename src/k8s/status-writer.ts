import type { KubeObject } from '../api/meta.js';
import { FIELD_MANAGER } from '../api/v1alpha1/constants.js';
import { NotLeaderError, StaleReadError } from '../core/domain/errors.js';
import { keyOf, keyText } from '../core/domain/object-key.js';
import type { Clock } from '../kit/clock.js';
import { sameData } from '../runtime/equality.js';
import type { StatusWriter } from '../runtime/ports.js';
import { fencedRequest, type WriteDeps } from './fenced.js';
import { isStatus, unavailable, type KubeStatusError } from './kube-error.js';
import { KubeLiveReader } from './live-reader.js';
import { apiVersionOf, objectPath, type ResourceType } from './resources.js';
import type { StatusProblems } from './status-problems.js';
import { declaredPart, servedStatusSchema, type ServedSchema } from './status-schema.js';

/**
 * Another client may write in between reading a version and writing onto it; so many in a row do
 * not.
 */
const TRIES = 5;
/** A status that does not fit the served CRD, or that a policy or a missing right refuses. */
const REFUSED = [400, 403, 422] as const;
/** For a field that the CRD does not declare, server-side apply answers with one of these. */
const MAY_NOT_FIT = [400, 422, 500] as const;
/**
 * Between two looks at the CRD, and how long a status is fitted to it before it is written whole
 * again.
 */
const LOOK_EVERY_MS = 60_000;
const FITTED_FOR_MS = 10 * 60_000;

export interface StatusWriterDeps extends WriteDeps {
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly problems: StatusProblems;
}

interface Fit {
  readonly schema: ServedSchema | undefined;
  readonly readMs: number;
}

interface Fitted {
  readonly status: unknown;
  /** Paths of the fields that were left out. */
  readonly unknown: readonly string[];
}

/**
 * The one place where a status is written: server-side apply, onto exactly the version of the
 * object that is known to have the right uid. The uid alone does not do: for a status of a custom
 * resource the API server takes a foreign one without a word (its strategy puts the stored metadata
 * in its place before anything is compared). Fields that an older CRD does not declare are left
 * out, because one of them makes the API server refuse the whole status.
 */
export class KubeStatusWriter<T extends KubeObject & { readonly status?: unknown }> implements StatusWriter<T> {
  readonly #deps: StatusWriterDeps;
  readonly #resource: ResourceType;
  readonly #live: KubeLiveReader<T>;
  /** The served CRD's schema, once a status did not fit it. */
  #fit: Fit | undefined;

  constructor(deps: StatusWriterDeps, resource: ResourceType) {
    this.#deps = deps;
    this.#resource = resource;
    this.#live = new KubeLiveReader(deps.client, resource);
  }

  async write(object: T, status: NonNullable<T['status']>, signal: AbortSignal): Promise<void> {
    if (sameData(object.status, status)) return;
    const fitted = this.#fitted(status);
    if (sameData(object.status, fitted.status)) return;
    try {
      await this.#write(object, fitted.status, signal);
      this.#done(object, fitted.unknown);
    } catch (error) {
      await this.#writeFitted(object, { status, tried: fitted, error }, signal);
    }
  }

  /**
   * After a status was refused: once more without what the served CRD does not declare. @throws as
   * `write`
   */
  async #writeFitted(
    object: T,
    { status, tried, error }: { readonly status: unknown; readonly tried: Fitted; readonly error: unknown },
    signal: AbortSignal,
  ): Promise<void> {
    if (isStatus(error, ...MAY_NOT_FIT)) await this.#look(signal);
    const fitted = this.#fitted(status);
    if (!isStatus(error, ...MAY_NOT_FIT) || sameData(fitted.status, tried.status)) return this.#fail(object, error, signal);
    try {
      await this.#write(object, fitted.status, signal);
      this.#done(object, fitted.unknown);
    } catch (second) {
      this.#fail(object, second, signal);
    }
  }

  #done(object: T, unknown: readonly string[]): void {
    this.#deps.problems.written(object);
    this.#deps.problems.leftOut(object, unknown);
  }

  #fail(object: T, error: unknown, signal: AbortSignal): never {
    if (isStatus(error, ...REFUSED)) this.#deps.problems.refused(object, refusalText(error));
    throw error instanceof NotLeaderError || error instanceof StaleReadError ? error : unavailable(error, signal);
  }

  /**
   * Reads the served CRD's schema, unless that was done just now. Never throws: without it the
   * status stays whole.
   */
  async #look(signal: AbortSignal): Promise<void> {
    const nowMs = this.#deps.clock.monotonicMs();
    if (this.#fit !== undefined && nowMs - this.#fit.readMs < LOOK_EVERY_MS) return;
    const schema = await servedStatusSchema(this.#deps.client, this.#resource, signal).catch(() => undefined);
    this.#fit = { schema, readMs: nowMs };
  }

  #fitted(status: unknown): Fitted {
    const fit = this.#fit;
    if (fit?.schema === undefined || this.#deps.clock.monotonicMs() - fit.readMs >= FITTED_FOR_MS) return { status, unknown: [] };
    const unknown = new Set<string>();
    return { status: declaredPart(status, fit.schema, 'status', unknown), unknown: [...unknown].sort() };
  }

  /** @throws KubeStatusError, StaleReadError, NotLeaderError, and as the client */
  async #write(object: T, status: unknown, signal: AbortSignal): Promise<void> {
    let { resourceVersion } = object.metadata;
    for (let tries = 1; tries <= TRIES; tries++) {
      if (await this.#apply(object, { status, resourceVersion }, signal)) return;
      const live = await this.#live.get(keyOf(object), signal);
      if (live === undefined || live.metadata.uid !== object.metadata.uid) break;
      ({ resourceVersion } = live.metadata);
    }
    throw new StaleReadError(`${this.#resource.kind} ${keyText(keyOf(object))} was replaced, is gone or changes too often`);
  }

  /**
   * The whole status: a field that we once applied and now leave out is removed by the server.
   * @returns false when the object has another version by now, or is gone
   */
  async #apply(
    object: T,
    written: { readonly status: unknown; readonly resourceVersion: string | undefined },
    signal: AbortSignal,
  ): Promise<boolean> {
    const { name, namespace, uid } = object.metadata;
    const { status, resourceVersion } = written;
    try {
      await fencedRequest(this.#deps, {
        method: 'PATCH',
        path: objectPath(this.#resource, keyOf(object), 'status'),
        query: { fieldManager: FIELD_MANAGER, force: true },
        contentType: 'application/apply-patch+yaml',
        body: {
          apiVersion: apiVersionOf(this.#resource),
          kind: this.#resource.kind,
          metadata: { name, namespace, uid, resourceVersion },
          status,
        },
        signal,
      });
      return true;
    } catch (error) {
      if (isStatus(error, 404, 409)) return false;
      throw error;
    }
  }
}

/** What the API server said, without the request's path. */
function refusalText({ code, explanation }: KubeStatusError): string {
  return `${code} ${explanation}`;
}
