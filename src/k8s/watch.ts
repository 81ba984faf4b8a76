import type { KubeObject } from '../api/meta.js';
import { linked, type LinkedSignal } from '../kit/abort.js';
import type { Clock } from '../kit/clock.js';
import { isOlder } from '../runtime/resource-version.js';
import { KubeStatusError, needsRelist, statusCode } from './kube-error.js';
import type { KubeClient } from './kube-http.js';
import { acceptFor, selection, withKind } from './list.js';
import type { ReflectorEvent } from './observer.js';
import type { Followed, ReflectorTiming } from './reflector-options.js';
import { collectionPath, resourceText } from './resources.js';
import { BadLineError, watchLines } from './watch-lines.js';

/** How a watch ended and what follows: another one from the last version, or a new list. */
export interface WatchEnd {
  readonly then: 'resume' | 'relist';
  /** Why it could not be begun, or broke; undefined for an end that belongs to a watch's life. */
  readonly error?: unknown;
}

/** An ERROR line: the server gives this watch up. */
class ErrorEvent extends KubeStatusError {}

/** What a watch tells while it runs. */
export interface WatchSink<T> {
  apply(object: T): void;
  remove(object: T): void;
  /** The server spoke, and everything up to this version has been passed on. */
  reached(resourceVersion: string): void;
  observe(event: ReflectorEvent): void;
}

export interface WatchRun<T> {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly followed: Followed;
  readonly timing: ReflectorTiming;
  readonly sink: WatchSink<T>;
  readonly random: () => number;
}

interface WatchLine<T> {
  readonly type?: string;
  readonly object?: T;
}

/**
 * One watch from `fromVersion` until it ends. Never rejects but with the signal's reason. A stream
 * from which nothing came for `silenceMs` is cut and asks for a list: after an etcd was restored to
 * an older revision a resumed watch would stay open and silent for ever.
 */
export async function watchOnce<T extends KubeObject>(run: WatchRun<T>, fromVersion: string, signal: AbortSignal): Promise<WatchEnd> {
  const { clock, timing, sink } = run;
  const silence = new Silence(clock, timing.silenceMs, signal);
  try {
    const stream = await begin(run, fromVersion, silence.signal);
    sink.observe('watch');
    try {
      return await follow(run, { body: stream.body, fromVersion, silence });
    } finally {
      stream.close();
    }
  } catch (error) {
    signal.throwIfAborted();
    if (silence.isOver) {
      sink.observe('silent');
      return { then: 'relist' };
    }
    return ended(error, sink);
  } finally {
    silence.clear();
  }
}

function begin<T>(
  { client, followed, timing, random }: WatchRun<T>,
  resourceVersion: string,
  signal: AbortSignal,
): ReturnType<KubeClient['stream']> {
  const { minWatchMs, maxWatchMs } = timing;
  return client.stream({
    method: 'GET',
    path: collectionPath(followed.resource, followed.namespace),
    query: {
      ...selection(followed),
      watch: true,
      allowWatchBookmarks: true,
      resourceVersion,
      timeoutSeconds: Math.ceil((minWatchMs + (maxWatchMs - minWatchMs) * random()) / 1_000),
    },
    accept: acceptFor(followed, 'watch'),
    signal,
  });
}

interface Following {
  readonly body: AsyncIterable<Uint8Array>;
  readonly fromVersion: string;
  readonly silence: Silence;
}

async function follow<T extends KubeObject>(run: WatchRun<T>, { body, fromVersion, silence }: Following): Promise<WatchEnd> {
  const { sink, timing, followed } = run;
  let reached = fromVersion;
  for await (const line of watchLines(body, timing.maxLineBytes)) {
    silence.restart();
    const { type, object } = asLine<T>(line);
    if (type === 'ERROR') throw new ErrorEvent(`watch of ${resourceText(followed.resource)}`, statusCode(object), object);
    const resourceVersion = versionOf(object);
    if (object === undefined || resourceVersion === undefined) throw new BadLineError('holds no object');
    // Only a deleted history goes backwards. A re-ordered line does too, and a list costs little
    // beside a wrong store.
    if (isOlder(resourceVersion, reached)) throw new BadLineError('is older than the one before');
    tell(sink, type ?? 'none', withKind(object, followed));
    reached = resourceVersion;
    sink.reached(reached);
  }
  return { then: 'resume' };
}

function tell<T>(sink: WatchSink<T>, type: string, object: T): void {
  switch (type) {
    case 'ADDED':
    case 'MODIFIED':
      sink.apply(object);
      break;
    case 'DELETED':
      sink.remove(object);
      break;
    case 'BOOKMARK':
      break;
    default:
      throw new BadLineError('has no type that is known');
  }
  sink.observe(type === 'BOOKMARK' ? 'bookmark' : 'event');
}

function ended<T>(error: unknown, sink: WatchSink<T>): WatchEnd {
  if (error instanceof BadLineError) {
    sink.observe('bad_line');
    return { then: 'relist', error };
  }
  if (needsRelist(error)) {
    sink.observe('expired');
    return { then: 'relist' };
  }
  if (error instanceof ErrorEvent) {
    sink.observe('error_event');
    return { then: 'relist', error };
  }
  sink.observe('watch_failed');
  return { then: 'resume', error };
}

function asLine<T>(line: unknown): WatchLine<T> {
  if (typeof line !== 'object' || line === null) throw new BadLineError('is no event');
  const { object } = line as { readonly object?: { readonly metadata?: unknown } };
  if (typeof object !== 'object') throw new BadLineError('holds no object');
  return line;
}

function versionOf(object: unknown): string | undefined {
  const { metadata } = (object ?? {}) as { readonly metadata?: { readonly resourceVersion?: unknown } | null };
  return typeof metadata?.resourceVersion === 'string' ? metadata.resourceVersion : undefined;
}

/** Ends a watch from which nothing comes any more. */
class Silence {
  readonly #clock: Clock;
  readonly #ms: number;
  readonly #own: LinkedSignal;
  #cancel: () => void;
  isOver = false;

  constructor(clock: Clock, ms: number, parent: AbortSignal) {
    this.#clock = clock;
    this.#ms = ms;
    this.#own = linked(parent);
    this.#cancel = this.#start();
  }

  get signal(): AbortSignal {
    return this.#own.signal;
  }

  restart(): void {
    this.#cancel();
    this.#cancel = this.#start();
  }

  clear(): void {
    this.#cancel();
    this.#own.clear();
  }

  #start(): () => void {
    return this.#clock.setTimer(this.#ms, () => {
      this.isOver = true;
      this.#own.abort(new Error('the watch is silent'));
    });
  }
}
