import { createHash, randomBytes } from 'node:crypto';
import type { Clock } from '../kit/clock.js';
import {
  DEFAULT_CONFIG,
  type CallRecord,
  type DeliveryRecord,
  type MessageRecord,
  type PageSubscription,
  type SimApp,
  type SimAppSubscription,
  type SimConfig,
  type SimPage,
  type SimToken,
} from './model.js';
import { Ring } from './ring.js';

const MAX_RECORDS = 100_000;
const MAX_DELIVERIES = 20_000;

interface Row {
  readonly fields: readonly string[] | undefined;
  /** What reads still show, until then. */
  readonly before: readonly string[] | undefined;
  readonly visibleAtMs: number;
}

/** Everything the simulator remembers. Handlers and the control API change it through here only. */
export class World {
  readonly clock: Clock;
  readonly config: SimConfig = { ...DEFAULT_CONFIG };
  readonly apps = new Map<string, SimApp>();
  readonly pages = new Map<string, SimPage>();
  readonly tokens = new Map<string, SimToken>();
  readonly appSubscriptions = new Map<string, Map<string, SimAppSubscription>>();
  readonly profiles = new Map<string, Record<string, unknown>>();
  /** When each page's messenger_profile was called in the last ten minutes. */
  readonly profileCalls = new Map<string, readonly number[]>();
  readonly personas = new Map<
    string,
    { readonly id: string; readonly pageId: string; readonly name: string; readonly profile_picture_url: string }
  >();
  /** People who wrote to a page, by their id on it. */
  readonly people = new Map<string, { readonly pageId: string; readonly name: string }>();
  readonly calls = new Ring<CallRecord>(MAX_RECORDS);
  readonly messages = new Ring<MessageRecord>(MAX_RECORDS);
  readonly deliveries = new Ring<DeliveryRecord>(MAX_DELIVERIES);
  readonly #rows = new Map<string, Row>();
  readonly #byValue = new Map<string, SimToken>();

  constructor(clock: Clock) {
    this.clock = clock;
  }

  nowSeconds(): number {
    return Math.floor(this.clock.nowMs() / 1_000);
  }

  /** The token with this value, alive or dead; undefined for a value that was not made here. */
  tokenByValue(value: string): SimToken | undefined {
    return this.#byValue.get(value);
  }

  putToken(token: SimToken): void {
    const old = this.tokens.get(token.alias);
    if (old !== undefined) this.#byValue.delete(old.value);
    this.tokens.set(token.alias, token);
    this.#byValue.set(token.value, token);
  }

  removeToken(alias: string): void {
    const token = this.tokens.get(alias);
    if (token === undefined) return;
    this.tokens.delete(alias);
    this.#byValue.delete(token.value);
  }

  /**
   * The fields of an app's row on a page as a read shows them, which may lag behind; undefined
   * without a row.
   */
  readFields(appId: string, pageId: string): readonly string[] | undefined {
    const row = this.#rows.get(`${appId}/${pageId}`);
    if (row === undefined) return undefined;
    return this.clock.nowMs() < row.visibleAtMs ? row.before : row.fields;
  }

  /** The fields by which events are really delivered. */
  fields(appId: string, pageId: string): readonly string[] | undefined {
    return this.#rows.get(`${appId}/${pageId}`)?.fields;
  }

  /** Sets an app's row on a page; `undefined` removes it. Reads show it after `lagMs`. */
  setFields(appId: string, pageId: string, fields: readonly string[] | undefined, lagMs = 0): void {
    const before = this.readFields(appId, pageId);
    this.#rows.set(`${appId}/${pageId}`, { fields, before, visibleAtMs: this.clock.nowMs() + lagMs });
  }

  /** All rows, lag left aside. */
  rows(): readonly PageSubscription[] {
    return [...this.#rows].flatMap(([key, { fields }]) => {
      const [appId = '', pageId = ''] = key.split('/');
      return fields === undefined ? [] : [{ appId, pageId, fields }];
    });
  }

  /** The apps on a page as a read shows them. */
  readRows(pageId: string): readonly PageSubscription[] {
    return [...this.apps.keys()].flatMap((appId) => {
      const fields = this.readFields(appId, pageId);
      return fields === undefined ? [] : [{ appId, pageId, fields }];
    });
  }

  /** Remembers who is behind an id, for the user profile; the oldest are forgotten. */
  meet(id: string, pageId: string, name: string): void {
    this.people.set(id, { pageId, name });
    for (const oldest of this.people.keys()) {
      if (this.people.size <= MAX_RECORDS) break;
      this.people.delete(oldest);
    }
  }

  reset(): void {
    for (const map of [
      this.apps,
      this.pages,
      this.tokens,
      this.appSubscriptions,
      this.profiles,
      this.profileCalls,
      this.personas,
      this.people,
    ])
      map.clear();
    this.#rows.clear();
    this.#byValue.clear();
    for (const ring of [this.calls, this.messages, this.deliveries]) ring.clear();
    Object.assign(this.config, DEFAULT_CONFIG);
  }
}

/** A value that looks like Graph's tokens: `EAA` and letters and digits. */
export function newTokenValue(): string {
  return `EAA${randomBytes(96)
    .toString('base64')
    .replace(/[^A-Za-z0-9]/g, '')
    .slice(0, 100)}ZDZD`;
}

export function sha256(value: string): string {
  return createHash('sha256').update(value).digest('hex');
}
