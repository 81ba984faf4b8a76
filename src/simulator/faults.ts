import { SimGraphError } from './graph-errors.js';

/** What a fault does to a call. */
export type FaultEffect =
  | {
      readonly kind: 'error';
      readonly code: number;
      readonly subcode?: number;
      readonly type?: string;
      readonly message?: string;
      readonly status?: number;
    }
  /** A throttle code with, in the usage header, the minutes until access is regained. */
  | { readonly kind: 'throttle'; readonly code: number; readonly regainMinutes?: number }
  /** A bare HTTP answer that is not Graph's JSON. */
  | { readonly kind: 'http'; readonly status: number; readonly body?: string }
  | { readonly kind: 'slow'; readonly ms: number }
  /** No answer at all until the caller gives up. */
  | { readonly kind: 'hang' }
  /** The connection is reset before, or (`truncate`) in the middle of the answer. */
  | { readonly kind: 'drop' }
  | { readonly kind: 'truncate' }
  /** An error whose text holds the access token, raw and URL-encoded. */
  | { readonly kind: 'echo' }
  /** Within a batch: null instead of an answer. Alone: as `drop`. */
  | { readonly kind: 'null' }
  /** Good, but so many bytes long. */
  | { readonly kind: 'huge'; readonly bytes: number };

export const EFFECTS: readonly FaultEffect['kind'][] = [
  'error',
  'throttle',
  'http',
  'slow',
  'hang',
  'drop',
  'truncate',
  'echo',
  'null',
  'huge',
];

export interface FaultSpec {
  /** Which calls: all that match what is given. */
  readonly operation?: string;
  readonly method?: string;
  readonly appId?: string;
  readonly pageId?: string;
  /** Of `debug_token`: the Page whose token it asks about. */
  readonly inspectedPageId?: string;
  /** How often; then the fault is gone. Without it: until it is taken away. */
  readonly times?: number;
  readonly effect: FaultEffect;
}

export interface Fault extends FaultSpec {
  readonly id: string;
  used: number;
}

export interface FaultTarget {
  readonly operation: string;
  readonly method: string;
  readonly appId: string | undefined;
  readonly pageId: string | undefined;
  readonly inspectedPageId?: string | undefined;
}

const MAX_FAULTS = 1_000;

/** The faults that are switched on. */
export class Faults {
  readonly #faults = new Map<string, Fault>();
  #last = 0;

  add(spec: FaultSpec): Fault {
    if (this.#faults.size >= MAX_FAULTS) throw new RangeError(`no more than ${MAX_FAULTS} faults`);
    const fault = { ...spec, id: `fault-${++this.#last}`, used: 0 };
    this.#faults.set(fault.id, fault);
    return fault;
  }

  /** Takes one away, or all. */
  remove(id?: string): void {
    if (id === undefined) this.#faults.clear();
    else this.#faults.delete(id);
  }

  list(): readonly Fault[] {
    return [...this.#faults.values()];
  }

  /** The effects for a call, oldest fault first; uses them up. */
  take(target: FaultTarget): readonly FaultEffect[] {
    const hits = this.list().filter((fault) => matches(fault, target));
    for (const fault of hits) {
      fault.used += 1;
      if (fault.times !== undefined && fault.used >= fault.times) this.#faults.delete(fault.id);
    }
    return hits.map(({ effect }) => effect);
  }
}

function matches(fault: FaultSpec, target: FaultTarget): boolean {
  const filters = ['operation', 'method', 'appId', 'pageId', 'inspectedPageId'] as const;
  return filters.every((key) => fault[key] === undefined || fault[key] === target[key]);
}

const THROTTLE_TEXTS: Readonly<Record<number, string>> = {
  4: '(#4) Application request limit reached',
  17: '(#17) User request limit reached',
  32: '(#32) Page request limit reached',
  341: '(#341) Application limit reached',
  613: '(#613) Calls to this api have exceeded the rate limit.',
};

/** The error of an effect that ends a call with one; undefined for the others. */
export function faultError(effect: FaultEffect, tokenValue: string | undefined): SimGraphError | undefined {
  if (effect.kind === 'error') return plainError(effect);
  if (effect.kind === 'throttle') return throttleError(effect.code);
  return effect.kind === 'echo' ? echoError(tokenValue ?? '') : undefined;
}

function throttleError(code: number): SimGraphError {
  const ofPage =
    `(#${code}) There have been too many calls to this Page account. Wait a bit and try again. ` +
    'For more info, please refer to https://developers.facebook.com/docs/graph-api/overview/rate-limiting.';
  return new SimGraphError({ status: 400, code, message: THROTTLE_TEXTS[code] ?? ofPage });
}

function echoError(token: string): SimGraphError {
  const base64 = Buffer.from(token).toString('base64');
  return new SimGraphError({
    status: 500,
    code: 2,
    message: `Failed for /me?access_token=${encodeURIComponent(token)} with ${token} (${base64})`,
  });
}

function plainError(effect: Extract<FaultEffect, { kind: 'error' }>): SimGraphError {
  const { code, subcode, type, message = `(#${code}) An error made to order`, status = code <= 2 ? 500 : 400 } = effect;
  const optional = {
    ...(subcode === undefined ? {} : { subcode }),
    ...(type === undefined ? {} : { type }),
    ...(code <= 2 ? { transient: true } : {}),
  };
  return new SimGraphError({ status, code, message, ...optional });
}
