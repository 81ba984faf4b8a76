import { randomBytes } from 'node:crypto';
import { sleep } from '../kit/clock.js';
import { noToken, type EdgeCall } from './edge.js';
import { faultError, Faults, type FaultEffect, type FaultTarget } from './faults.js';
import { challengeHeader, errorBody, oauth, SimGraphError, unknownPath } from './graph-errors.js';
import type { GraphReply, GraphRequest } from './graph-request.js';
import { graphJson } from './meta-json.js';
import { checkProof, judgeProof, principalOf, type Principal } from './principal.js';
import { recordCall } from './record.js';
import { graphRouteOf, type Route } from './routes.js';
import { appPercent, UsageMeter, usageHeaders } from './usage-meter.js';
import { servedVersion } from './versions.js';
import type { World } from './world.js';

interface Prepared {
  readonly version: string;
  readonly segments: readonly string[];
  readonly route: Route;
  readonly tokenValue: string | undefined;
  readonly principal: Principal | SimGraphError | undefined;
  readonly pageId: string | undefined;
}

const NO_ANSWER = { status: 0, headers: {}, body: '' };

/**
 * The Graph API: one call in, one answer out. Batches are taken apart by batch.ts, which calls this
 * for each item.
 */
export class GraphApi {
  readonly world: World;
  readonly faults = new Faults();
  readonly meter = new UsageMeter();

  constructor(world: World) {
    this.world = world;
  }

  async handle(request: GraphRequest): Promise<GraphReply> {
    const prepared = this.#prepare(request);
    if (prepared instanceof SimGraphError)
      return this.#record(request, undefined, errorReply(prepared, this.world.config.defaultVersion, {}));
    const effects = this.faults.take(this.#faultTarget(request, prepared));
    const cut = await this.#pause(effects);
    if (cut !== undefined) return this.#record(request, prepared, { ...NO_ANSWER, cut });
    const reply = await this.#answer(request, prepared, effects);
    return this.#record(request, prepared, withEffects(reply, effects));
  }

  #faultTarget({ method, params }: GraphRequest, { route, principal, pageId }: Prepared): FaultTarget {
    const appId = principal === undefined || principal instanceof SimGraphError ? undefined : principal.app.id;
    const inspectedPageId = this.world.tokenByValue(params.text('input_token') ?? '')?.pageId;
    return { operation: route.operation, method, appId, pageId, inspectedPageId };
  }

  #prepare({ path, params, bearer }: GraphRequest): Prepared | SimGraphError {
    const all = path.split('/').filter((segment) => segment !== '');
    const versioned = /^v\d{1,3}\.\d{1,3}$/.test(all[0] ?? '');
    const asked = versioned ? (all[0] ?? '') : this.world.config.defaultVersion;
    const version = servedVersion(asked, this.world.clock.nowMs());
    if (version === undefined) return oauth(400, 2635, `(#2635) You are calling a version of the API that does not exist: ${asked}.`);
    const segments = versioned ? all.slice(1) : all;
    const route = graphRouteOf(segments);
    if (route === undefined) return unknownPath(`/${segments.join('/')}`);
    const tokenValue = params.text('access_token') ?? bearer;
    const principal = this.#principal(tokenValue);
    return { version, segments, route, tokenValue, principal, pageId: this.#pageOf(route, principal) };
  }

  #principal(tokenValue: string | undefined): Principal | SimGraphError | undefined {
    if (tokenValue === undefined || tokenValue === '') return undefined;
    try {
      return principalOf(tokenValue, this.world);
    } catch (error) {
      if (error instanceof SimGraphError) return error;
      throw error;
    }
  }

  #pageOf({ target }: Route, principal: Prepared['principal']): string | undefined {
    if (this.world.pages.has(target)) return target;
    const own = target === 'me' && principal !== undefined && 'kind' in principal && principal.kind === 'token';
    return own ? principal.token.pageId : undefined;
  }

  /** Waits as the effects want; says so if there is to be no answer. */
  async #pause(effects: readonly FaultEffect[]): Promise<GraphReply['cut']> {
    for (const effect of effects) {
      if (effect.kind === 'slow') await sleep(this.world.clock, effect.ms);
      if (effect.kind === 'hang' || effect.kind === 'drop') return effect.kind;
      if (effect.kind === 'null') return 'drop';
    }
    return undefined;
  }

  async #answer(request: GraphRequest, prepared: Prepared, effects: readonly FaultEffect[]): Promise<GraphReply> {
    const { version, route, tokenValue, principal } = prepared;
    const { percent, headers } = this.#usage(prepared, effects);
    try {
      for (const effect of effects) {
        const error = faultError(effect, tokenValue);
        if (error !== undefined) throw error;
      }
      if (principal instanceof SimGraphError) throw principal;
      if (principal === undefined && route.open !== true) throw noToken();
      this.#guard(request, principal, tokenValue);
      if (percent >= 100 && this.world.config.appCallsPerHour > 0) throw oauth(400, 4, '(#4) Application request limit reached');
      const body = await route.handler(this.#edgeCall(request, { ...prepared, principal }));
      return { status: 200, headers: { ...headers, 'facebook-api-version': version }, body: graphJson(body) };
    } catch (error) {
      if (!(error instanceof SimGraphError)) throw error;
      return errorReply(error, version, headers);
    }
  }

  #edgeCall(request: GraphRequest, prepared: Prepared & { readonly principal: Principal | undefined }): EdgeCall {
    const { method, params, origin } = request;
    const { version, segments, route, tokenValue, principal } = prepared;
    const selfUrl = `${origin}/${version}/${segments.join('/')}`;
    return { world: this.world, method, version, params, principal, tokenValue, target: route.target, selfUrl };
  }

  /** @throws SimGraphError for a missing or wrong proof, or a spent app budget. */
  #guard({ params }: GraphRequest, principal: Principal | undefined, tokenValue: string | undefined): void {
    if (principal === undefined || tokenValue === undefined) return;
    const judged = judgeProof(params.text('appsecret_proof'), tokenValue, { app: principal.app, world: this.world });
    checkProof(judged, principal.app, this.world);
  }

  #usage(
    { principal, pageId }: Prepared,
    effects: readonly FaultEffect[],
  ): { readonly percent: number; readonly headers: Record<string, string> } {
    if (principal === undefined || principal instanceof SimGraphError) return { percent: 0, headers: {} };
    const percent = appPercent(principal.app.id, this.meter.count(principal.app.id, this.world.clock.nowMs()), this.world);
    const throttle = effects.find((effect) => effect.kind === 'throttle');
    return { percent, headers: usageHeaders(percent, pageId, throttle?.regainMinutes ?? 0) };
  }

  #record(request: GraphRequest, prepared: Prepared | undefined, reply: GraphReply): GraphReply {
    recordCall(this.world, request, prepared, reply);
    return reply;
  }
}

function withEffects(reply: GraphReply, effects: readonly FaultEffect[]): GraphReply {
  const http = effects.find((effect) => effect.kind === 'http');
  if (http !== undefined)
    return {
      status: http.status,
      headers: { 'content-type': 'text/html' },
      body: http.body ?? '<html>Sorry, something went wrong.</html>',
    };
  const huge = effects.find((effect) => effect.kind === 'huge');
  if (huge !== undefined) return { ...reply, body: reply.body + ' '.repeat(huge.bytes) };
  return effects.some((effect) => effect.kind === 'truncate') ? { ...reply, cut: 'truncate' } : reply;
}

/** An error as Graph writes it, with everything around it. */
export function errorReply({ shape }: SimGraphError, version: string, headers: Readonly<Record<string, string>>): GraphReply {
  return {
    status: shape.status,
    headers: { ...headers, 'facebook-api-version': version, 'www-authenticate': challengeHeader(shape) },
    body: graphJson(errorBody(shape, `A${randomBytes(8).toString('base64url')}`)),
  };
}
