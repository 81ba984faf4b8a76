import { sleep } from '../../kit/clock.js';
import { StaleReadError, TerminalError, TransientError, fullMessage } from '../../core/domain/errors.js';
import type { AppSubscription } from '../../core/ports/graph.js';
import { keyText } from '../../core/domain/object-key.js';
import { stalledLookMs } from '../../core/domain/schedule.js';
import { bad, type Judgement } from '../verdict.js';
import { subscriptionFault } from './checks.js';
import { isolateFields, type AttemptResult } from './bisect-fields.js';
import type { AppReconcilerDeps } from './ports.js';
import type { AppGraphPass } from './subscription.js';

const READ_BACK_AFTER_MS = [0, 500, 1_000, 2_000];
/** A field that Graph refused is tried again after a day: permissions come by App Review. */
const REFUSED_FOR_MS = 24 * 3_600_000;
const FIELD_REASONS: readonly string[] = ['FieldRefused', 'InvalidField'];

/** Writes the app's subscription of `object=page`. Never touches other objects' subscriptions. */
export class SubscriptionWrite {
  readonly #deps: AppReconcilerDeps;

  constructor(deps: AppReconcilerDeps) {
    this.#deps = deps;
  }

  /**
   * Sets callback, verify token and fields = observed ∪ needed; fields that Graph refuses are found out and remembered.
   * @returns why Graph refuses it altogether, if it does
   */
  async run(pass: AppGraphPass, row: AppSubscription | undefined, needed: readonly string[]): Promise<Judgement | undefined> {
    const base = [...new Set(row?.fields)].sort();
    const candidates = needed.filter((field) => !base.includes(field));
    try {
      const posted = new Set<string>();
      const { fields, refused } = await isolateFields(base, candidates, async (wanted) => {
        const result = await this.#attempt(pass, wanted);
        if (result.taken) posted.add(wanted.join());
        return result;
      });
      this.#remember(pass, refused);
      // Nothing was added, but callback or verify token may have to be set all the same.
      if (fields.length > 0 && !posted.has(fields.join())) await this.#post(pass, fields);
      pass.memory.refusal = undefined;
      this.#tell(pass, fields);
      return undefined;
    } catch (error) {
      if (!(error instanceof TerminalError)) throw error;
      return this.#refused(pass, error);
    }
  }

  /** What Graph has after the write. @throws TransientError when it keeps showing something else */
  async readBack(pass: AppGraphPass, wanted: readonly string[]): Promise<AppSubscription | undefined> {
    const { graph, clock } = this.#deps;
    const { app, memory, credentials, signal } = pass;
    for (const ms of READ_BACK_AFTER_MS) {
      if (ms > 0) await sleep(clock, ms, signal);
      const rows = await graph.subscriptions(credentials, { signal, priority: 'interactive' });
      if (memory.look !== undefined) memory.look = { ...memory.look, rows };
      const row = rows.find(({ object }) => object === 'page');
      const needed = wanted.filter((field) => !memory.refused.has(field));
      // Where every field was refused there is nothing that could have been subscribed.
      if (subscriptionFault(app, row, needed) === undefined || (row === undefined && needed.length === 0)) return row;
    }
    throw new TransientError('GraphUnavailable', `Graph took the subscription of app ${app.spec.appId} and does not show it yet`);
  }

  async #attempt(pass: AppGraphPass, fields: readonly string[]): Promise<AttemptResult> {
    try {
      await this.#post(pass, fields);
      return { taken: true };
    } catch (error) {
      if (!(error instanceof TerminalError) || !FIELD_REASONS.includes(error.reason)) throw error;
      return { taken: false, refused: fields[error.refusedIndex ?? -1] };
    }
  }

  async #post({ app, key, credentials, verifyToken, signal }: AppGraphPass, fields: readonly string[]): Promise<void> {
    const { liveApps, fence, graph } = this.#deps;
    const live = await liveApps.get(key, signal);
    const { uid, generation, deletionTimestamp } = app.metadata;
    const same = live?.metadata.uid === uid && live?.metadata.generation === generation;
    if (!same || live?.metadata.deletionTimestamp !== deletionTimestamp) {
      throw new StaleReadError(`app ${keyText(key)} changed since the pass began`);
    }
    fence.check();
    const wanted = { callbackUrl: app.spec.webhook?.callbackUrl ?? '', verifyToken, fields };
    await graph.subscribeApp(credentials, wanted, { signal, priority: 'interactive' });
  }

  #remember({ memory, key }: AppGraphPass, refused: readonly string[]): void {
    const untilMs = this.#deps.clock.monotonicMs() + REFUSED_FOR_MS;
    memory.refused = new Map([...memory.refused, ...refused.map((field) => [field, untilMs] as const)]);
    this.#deps.health.setRefusedFields(key, new Set(memory.refused.keys()));
  }

  #refused({ memory, app }: AppGraphPass, error: TerminalError): Judgement {
    const basis = String(app.metadata.generation);
    const looks = memory.refusal?.basis === basis ? memory.refusal.looks + 1 : 1;
    const untilMs = this.#deps.clock.monotonicMs() + stalledLookMs(looks - 1);
    const message = fullMessage(error);
    memory.refusal = { basis, reason: error.reason, message, looks, untilMs };
    return bad(error.reason, message);
  }

  #tell({ app, key, report }: AppGraphPass, fields: readonly string[]): void {
    if (fields.length === 0) return;
    const note = `Subscribed app ${app.spec.appId} to the object page: ${fields.length} fields, callback ${app.spec.webhook?.callbackUrl ?? ''}`;
    report.events.push({ type: 'Normal', reason: 'Subscribed', action: 'Subscribe', note });
    this.#deps.log.info('subscribed app', { app: keyText(key), appId: app.spec.appId, fields });
  }
}
