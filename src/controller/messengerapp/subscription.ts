import { tokenFingerprint } from '../../core/secrets/fingerprint.js';
import type { AppCredentials, AppSubscription } from '../../core/ports/graph.js';
import type { Secret } from '../../core/secrets/secret.js';
import { bad, good, type Judgement } from '../verdict.js';
import { neededFields, subscriptionFault } from './checks.js';
import type { AppPass } from './pass.js';
import type { AppReconcilerDeps } from './ports.js';
import { SubscriptionWrite } from './subscription-write.js';

const WEBHOOK_AGAIN_MS = 10_000;
const WRITE_EVERY_MS = 10_000;

export interface AppGraphPass extends AppPass {
  readonly credentials: AppCredentials;
  readonly verifyToken: Secret;
}

/** The app's subscription for `object=page`: judges `Subscribed`, and with `Manage` keeps it right. Only ever adds fields. */
export class AppSubscriptionStep {
  readonly #deps: AppReconcilerDeps;
  readonly #write: SubscriptionWrite;

  constructor(deps: AppReconcilerDeps) {
    this.#deps = deps;
    this.#write = new SubscriptionWrite(deps);
  }

  /** `rows`: what Graph has. @throws TransientError and the like when a write's outcome is not known */
  async run(pass: AppGraphPass, rows: readonly AppSubscription[]): Promise<void> {
    const { app, memory } = pass;
    this.#forgetOldRefusals(pass);
    const wanted = neededFields(app, pass.pages);
    const needed = wanted.filter((field) => !memory.refused.has(field));
    const row = rows.find(({ object }) => object === 'page');
    this.#show(pass, row, wanted);
    const fault = subscriptionFault(app, row, needed);
    const rotated = this.#isRotated(pass, row);
    if (app.spec.webhook?.subscription !== 'Manage' || (fault === undefined && !rotated)) {
      this.#judge(pass, fault ?? this.#refusedFault(pass, wanted));
      return;
    }
    const hold = this.#holdBack(pass, fault ?? bad('Observed', 'the verify token has changed'));
    if (hold !== undefined) {
      this.#judge(pass, hold);
      return;
    }
    if (isEmpty(row, needed)) {
      this.#judge(pass, this.#refusedFault(pass, wanted) ?? fault);
      return;
    }
    await this.#manage(pass, row, wanted);
  }

  async #manage(pass: AppGraphPass, row: AppSubscription | undefined, wanted: readonly string[]): Promise<void> {
    const { app, memory, verifyToken } = pass;
    memory.lastWriteMs = this.#deps.clock.monotonicMs();
    const needed = wanted.filter((field) => !memory.refused.has(field));
    const refusal = await this.#write.run(pass, row, needed);
    if (refusal !== undefined) {
      this.#judge(pass, refusal);
      pass.report.wake((memory.refusal?.untilMs ?? 0) - this.#deps.clock.monotonicMs());
      return;
    }
    memory.verifyToken = tokenFingerprint(app.metadata.uid ?? '', verifyToken);
    const after = await this.#write.readBack(pass, wanted);
    this.#show(pass, after, wanted);
    const left = subscriptionFault(
      app,
      after,
      wanted.filter((field) => !memory.refused.has(field)),
    );
    this.#judge(pass, left ?? this.#refusedFault(pass, wanted));
  }

  /** Why a write that is needed is not made now; undefined: it is. */
  #holdBack({ app, memory, report }: AppGraphPass, fault: Judgement): Judgement | undefined {
    const { options, publicReady, clock } = this.#deps;
    const nowMs = clock.monotonicMs();
    if (options.readOnly) return bad('Observed', `${fault.message}: would be mended, but the operator runs with --read-only`);
    if (app.spec.suspend === true) return bad('Observed', `${fault.message}: would be mended, but spec.suspend is true`);
    if (publicReady?.() === false) {
      report.wake(WEBHOOK_AGAIN_MS);
      return bad(fault.reason, `${fault.message}: waits for a webhook that can answer Meta's verification`);
    }
    const { refusal, lastWriteMs } = memory;
    if (refusal?.basis === String(app.metadata.generation) && nowMs < refusal.untilMs) {
      report.wake(refusal.untilMs - nowMs);
      return bad(refusal.reason, refusal.message);
    }
    if (lastWriteMs === undefined || nowMs - lastWriteMs >= WRITE_EVERY_MS) return undefined;
    report.wake(lastWriteMs + WRITE_EVERY_MS - nowMs);
    return fault;
  }

  /** Meta never tells the verify token: it is taken to be right when first seen, and set again when its Secret changes. */
  #isRotated({ app, memory, verifyToken }: AppGraphPass, row: AppSubscription | undefined): boolean {
    const print = tokenFingerprint(app.metadata.uid ?? '', verifyToken);
    if (row !== undefined) memory.verifyToken ??= print;
    return memory.verifyToken !== undefined && memory.verifyToken !== print;
  }

  #judge({ report, app }: AppGraphPass, fault: Judgement | undefined): void {
    report.judge('Subscribed', fault ?? good(`app ${app.spec.appId} is subscribed to the object page with what its pages want`));
  }

  #refusedFault({ memory }: AppGraphPass, wanted: readonly string[]): Judgement | undefined {
    const refused = wanted.filter((field) => memory.refused.has(field));
    if (refused.length === 0) return undefined;
    const fix = 'take them out of the pages that want them, or give the app the permissions that they need';
    return bad('FieldRefused', `Graph refuses to subscribe the app to ${refused.slice(0, 10).join(', ')}: ${fix}`);
  }

  #forgetOldRefusals({ app, memory, key }: AppGraphPass): void {
    const nowMs = this.#deps.clock.monotonicMs();
    const sameSpec = memory.refusedGeneration === app.metadata.generation;
    const left = sameSpec ? [...memory.refused].filter(([, untilMs]) => nowMs < untilMs) : [];
    memory.refused = new Map(left);
    memory.refusedGeneration = app.metadata.generation;
    this.#deps.health.setRefusedFields(key, new Set(memory.refused.keys()));
  }

  #show({ report }: AppGraphPass, row: AppSubscription | undefined, wanted: readonly string[]): void {
    const fields = [...(row?.fields ?? [])].sort();
    report.patch = {
      ...report.patch,
      subscription: {
        ...(row === undefined ? {} : { callbackUrl: row.callbackUrl, active: row.active }),
        fields,
        extraFields: fields.filter((field) => !wanted.includes(field)),
      },
    };
  }
}

/** There is no field to subscribe to, neither a needed one nor one to keep: Graph takes no such subscription, nothing can be mended. */
function isEmpty(row: AppSubscription | undefined, needed: readonly string[]): boolean {
  return needed.length === 0 && (row === undefined || row.fields.length === 0);
}
