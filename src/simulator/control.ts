import { DEFAULT_USER, entryOf, type SimpleEvent } from './events.js';
import { EFFECTS, type Fault, type FaultSpec } from './faults.js';
import type { GraphApi } from './graph-api.js';
import { psid } from './messaging.js';
import {
  DEFAULT_CONFIG,
  TOKEN_STATES,
  type CallRecord,
  type DeliveryRecord,
  type MessageRecord,
  type PageSubscription,
  type SimApp,
  type SimAppSubscription,
  type SimConfig,
  type SimPage,
  type SimToken,
  type TokenState,
  type TokenType,
} from './model.js';
import { stateOf } from './principal.js';
import { FAULT_OPERATIONS } from './routes.js';
import type { SendRequest } from './send-request.js';
import type { Sending, SendResult, WebhookSender } from './sender.js';
import { newTokenValue, sha256, type World } from './world.js';

export interface TokenSpec {
  /** The name by which records speak of it; default `token-N`. A known one is replaced. */
  readonly alias?: string;
  readonly type?: TokenType;
  readonly appId: string;
  readonly pageId?: string;
  readonly userId?: string;
  /** Default: what the five default fields need and a little more. */
  readonly scopes?: readonly string[];
  readonly granularTargets?: Readonly<Record<string, readonly string[] | null>>;
  readonly pages?: readonly string[];
  /** Seconds since the epoch; 0 (default) = never. */
  readonly expiresAt?: number;
  readonly dataAccessExpiresAt?: number;
  readonly state?: TokenState;
  /** A fixed value, for seeds. */
  readonly value?: string;
}

/** A token as records and answers show it; `token` itself only in the answer to its making. */
export interface TokenView {
  readonly alias: string;
  readonly sha256: string;
  readonly type: TokenType;
  readonly appId: string;
  readonly pageId: string | undefined;
  readonly scopes: readonly string[];
  readonly expiresAt: number;
  readonly state: TokenState;
}

export interface StateView {
  readonly apps: readonly Omit<SimApp, 'secret'>[];
  readonly pages: readonly SimPage[];
  readonly tokens: readonly TokenView[];
  readonly subscriptions: readonly PageSubscription[];
  readonly appSubscriptions: readonly (Omit<SimAppSubscription, 'verifyToken'> & { readonly appId: string })[];
  readonly faults: readonly Fault[];
  readonly config: SimConfig;
}

export interface AppSpec {
  readonly id: string;
  readonly secret: string;
  readonly name?: string;
  readonly mode?: 'live' | 'development';
  readonly requireProof?: boolean;
}

export interface PageSpec {
  readonly id: string;
  readonly name?: string;
  readonly category?: string;
}

const DEFAULT_SCOPES = ['pages_messaging', 'pages_manage_metadata', 'pages_show_list', 'pages_read_engagement'];
const NINETY_DAYS = 90 * 86_400;
const ID = /^\d{1,20}$/;

/**
 * Everything that can be done to the simulator, for tests in the same process; the control API over
 * HTTP is these calls.
 */
export class SimulatorControl {
  readonly #world: World;
  readonly #graph: GraphApi;
  readonly #sender: WebhookSender;
  #lastToken = 0;

  constructor(parts: { readonly world: World; readonly graph: GraphApi; readonly sender: WebhookSender }) {
    this.#world = parts.world;
    this.#graph = parts.graph;
    this.#sender = parts.sender;
  }

  /** Makes an app, or replaces one: a new `secret` is a rotated one. */
  makeApp(spec: AppSpec): SimApp {
    need(ID.test(spec.id), 'an app needs an id of digits');
    need(/^[\x21-\x7e]+$/.test(spec.secret) && 'secret' in spec, 'an app needs a secret');
    const app = {
      id: spec.id,
      secret: spec.secret,
      name: spec.name ?? `App ${spec.id}`,
      mode: spec.mode ?? 'live',
      requireProof: spec.requireProof ?? false,
    } as const;
    this.#world.apps.set(app.id, app);
    return app;
  }

  makePage(spec: PageSpec): SimPage {
    need(ID.test(spec.id), 'a page needs an id of digits');
    const page = { id: spec.id, name: spec.name ?? `Page ${spec.id}`, category: spec.category ?? 'Business' };
    this.#world.pages.set(page.id, page);
    return page;
  }

  /** Takes a page away, with all apps' rows on it. */
  removePage(pageId: string): void {
    this.#world.pages.delete(pageId);
    for (const appId of this.#world.apps.keys()) this.#world.setFields(appId, pageId, undefined);
  }

  /** Makes a token and gives its value. */
  makeToken(spec: TokenSpec): string {
    const type = spec.type ?? 'PAGE';
    need(this.#world.apps.has(spec.appId), `there is no app ${spec.appId}`);
    need(type !== 'PAGE' || spec.pageId !== undefined, 'a PAGE token needs a pageId');
    need(spec.state === undefined || spec.state in TOKEN_STATES, `a token's state is one of ${Object.keys(TOKEN_STATES).join(', ')}`);
    const now = this.#world.nowSeconds();
    const token: SimToken = {
      ...{ alias: spec.alias ?? `token-${++this.#lastToken}`, value: newTokenValue(), type, pageId: undefined, userId: '100000000000001' },
      ...{ scopes: DEFAULT_SCOPES, granularTargets: {}, pages: undefined, state: 'valid' as const },
      ...{ expiresAt: 0, dataAccessExpiresAt: now + NINETY_DAYS, issuedAt: now },
      ...defined(spec),
    };
    this.#world.putToken(token);
    return token.value;
  }

  /** Changes a token, found by its alias or its value. */
  changeToken(
    aliasOrValue: string,
    change: Partial<Pick<SimToken, 'state' | 'scopes' | 'granularTargets' | 'expiresAt' | 'dataAccessExpiresAt'>>,
  ): TokenView {
    const token = this.#world.tokens.get(aliasOrValue) ?? this.#world.tokenByValue(aliasOrValue);
    if (token === undefined) throw new RangeError('there is no such token');
    need(change.state === undefined || change.state in TOKEN_STATES, `a token's state is one of ${Object.keys(TOKEN_STATES).join(', ')}`);
    Object.assign(token, defined(change));
    return this.#tokenView(token);
  }

  setTokenState(aliasOrValue: string, state: TokenState): TokenView {
    return this.changeToken(aliasOrValue, { state });
  }

  /**
   * As a person in the dashboard would: sets an app's row on a page, or removes it (`undefined`).
   * No lag.
   */
  setFields(appId: string, pageId: string, fields: readonly string[] | undefined): void {
    need(this.#world.apps.has(appId), `there is no app ${appId}`);
    need(this.#world.pages.has(pageId), `there is no page ${pageId}`);
    this.#world.setFields(appId, pageId, fields === undefined ? undefined : [...fields]);
  }

  /** What is really subscribed, lag left aside; undefined without a row. */
  fields(appId: string, pageId: string): readonly string[] | undefined {
    return this.#world.fields(appId, pageId);
  }

  /**
   * Sets an app's webhook for an object without verifying the callback; undefined takes it away.
   */
  setAppSubscription(
    appId: string,
    object: string,
    row:
      | (Pick<SimAppSubscription, 'callbackUrl'> & {
          readonly fields: readonly string[];
          readonly active?: boolean;
          readonly verifyToken?: string;
        })
      | undefined,
  ): void {
    need(this.#world.apps.has(appId), `there is no app ${appId}`);
    const own = this.#world.appSubscriptions.get(appId) ?? new Map<string, SimAppSubscription>();
    this.#world.appSubscriptions.set(appId, own);
    if (row === undefined) {
      own.delete(object);
      return;
    }
    const fields = row.fields.map((name) => ({ name, version: this.#world.config.defaultVersion }));
    own.set(object, { object, callbackUrl: row.callbackUrl, verifyToken: row.verifyToken ?? '', active: row.active ?? true, fields });
  }

  appSubscription(appId: string, object = 'page'): SimAppSubscription | undefined {
    return this.#world.appSubscriptions.get(appId)?.get(object);
  }

  /**
   * Begins to send a webhook POST; `first` and `done` of the answer tell when it was tried and when
   * it came to an end.
   */
  startSending(request: SendRequest): Sending {
    return this.#sender.send(request);
  }

  /**
   * Sends a webhook POST and waits for the first attempt, or (`untilDone`) for the end of all
   * retries.
   */
  async send(request: SendRequest, options: { readonly untilDone?: boolean } = {}): Promise<SendResult> {
    const { delivery, left, first, done } = this.#sender.send(request);
    await (options.untilDone === true ? done : first);
    return { delivery, left };
  }

  /** Messages and postbacks of people, all in one POST. */
  sendEvents(appId: string, events: readonly SimpleEvent[], options: Omit<SendRequest, 'appId' | 'entries'> = {}): Promise<SendResult> {
    const now = this.#world.clock.nowMs();
    for (const { pageId, user = DEFAULT_USER } of events) this.#world.meet(psid(pageId, user), pageId, user);
    return this.send({ ...options, appId, entries: events.map((event) => entryOf(event, now)) });
  }

  addFault(spec: FaultSpec): Fault {
    const known: readonly string[] = FAULT_OPERATIONS;
    need(spec.operation === undefined || known.includes(spec.operation), `a fault's operation is one of ${known.join(', ')}`);
    need(EFFECTS.includes(spec.effect.kind), `a fault's effect is one of ${EFFECTS.join(', ')}`);
    return this.#graph.faults.add(spec);
  }

  removeFault(id?: string): void {
    this.#graph.faults.remove(id);
  }

  config(change: Partial<SimConfig> = {}): SimConfig {
    const unknown = Object.keys(change).filter((key) => !(key in DEFAULT_CONFIG));
    need(unknown.length === 0, `there is no setting ${unknown.join(', ')}`);
    Object.assign(this.#world.config, change);
    return { ...this.#world.config };
  }

  calls(since?: number): readonly CallRecord[] {
    return this.#world.calls.since(since);
  }

  messages(since?: number): readonly MessageRecord[] {
    return this.#world.messages.since(since);
  }

  deliveries(since?: number): readonly DeliveryRecord[] {
    return this.#world.deliveries.since(since);
  }

  /** Everything but secrets. */
  state(): StateView {
    const { apps, pages, tokens, appSubscriptions, config } = this.#world;
    return {
      apps: [...apps.values()].map(({ id, name, mode, requireProof }) => ({ id, name, mode, requireProof })),
      pages: [...pages.values()],
      tokens: [...tokens.values()].map((token) => this.#tokenView(token)),
      subscriptions: this.#world.rows(),
      appSubscriptions: [...appSubscriptions].flatMap(([appId, rows]) =>
        [...rows.values()].map(({ object, callbackUrl, active, fields }) => ({ appId, object, callbackUrl, active, fields })),
      ),
      faults: this.#graph.faults.list(),
      config: { ...config },
    };
  }

  /** Forgets everything. Numbers of records go on counting. */
  reset(): void {
    this.#world.reset();
    this.#graph.faults.remove();
    this.#graph.meter.reset();
  }

  #tokenView(token: SimToken): TokenView {
    const { alias, type, appId, pageId, scopes, expiresAt } = token;
    return { alias, sha256: sha256(token.value), type, appId, pageId, scopes, expiresAt, state: stateOf(token, this.#world) };
  }
}

/** Without the keys that are there but undefined. */
function defined<T extends object>(spec: T): T {
  return Object.fromEntries(Object.entries(spec).filter(([, value]) => value !== undefined)) as T;
}

/** @throws RangeError, which the control API answers as 400. */
function need(condition: boolean, message: string): void {
  if (!condition) throw new RangeError(message);
}
