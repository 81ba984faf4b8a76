import { rfc3339, sleep } from '../../kit/clock.js';
import { TerminalError, TransientError, fullMessage } from '../../core/domain/errors.js';
import type { ObservedSubscription } from '../../core/ports/graph.js';
import { keyText } from '../../core/domain/object-key.js';
import { stalledLookMs } from '../../core/domain/schedule.js';
import { planSubscription, type SubscriptionPlan } from '../../core/domain/subscription.js';
import { appKeyOf } from '../../relations/relations.js';
import { bad, good } from '../verdict.js';
import { checkAppFields, deliveredFields, fieldHint, list } from './acceptance.js';
import { changeOf, hindranceOf, holdBack, isAdoption, noteChange, type Change } from './drift.js';
import { assertMayWrite, ensureFinalizer } from './graph-write.js';
import { basisOf, type GraphPass } from './pass.js';
import type { PageReconcilerDeps } from './ports.js';

type Write = Extract<SubscriptionPlan, { action: 'subscribe' }>;

/** After a POST Graph may still show the old state for a moment: when to look again, in milliseconds after the look before. */
const READ_BACK_AFTER_MS = [0, 250, 500, 1_000, 2_000];

/** The page's subscription at Graph: observe → plan → act → read back. Judges `Subscribed`. */
export class SubscriptionStep {
  readonly #deps: PageReconcilerDeps;

  constructor(deps: PageReconcilerDeps) {
    this.#deps = deps;
  }

  /**
   * @throws TerminalError when Graph refuses to tell or to change it, TransientError, RateLimitedError, AppCredentialError when
   * it cannot be asked, StaleReadError when the page changed meanwhile, NotLeaderError
   */
  async run(pass: GraphPass): Promise<void> {
    const observed = await this.#observe(pass);
    const plan = planSubscription(pass.spec.fields, observed);
    const hindrance = hindranceOf(pass, this.#deps.options.readOnly);
    if (hindrance === undefined) await this.#adopt(pass, observed);
    if (plan.action === 'none') {
      pass.memory.refusal = undefined;
      pass.memory.unconfirmedWrite = false;
      this.#settled(pass, observed);
      return;
    }
    this.#show(pass, observed);
    if (hindrance === undefined) await this.#repair(pass, plan, observed);
    else
      pass.report.judge(
        'Subscribed',
        bad('Observed', `would subscribe the page to ${list(plan.fields)} (${plan.because}), but ${hindrance}`),
      );
  }

  async #observe({ token, call, memory }: GraphPass): Promise<ObservedSubscription> {
    const observed = await this.#deps.graph.observe(token, call);
    memory.lookedMs = this.#deps.clock.monotonicMs();
    return observed;
  }

  /** From here on a deletion unsubscribes, also what somebody else subscribed: that is said once. */
  async #adopt(pass: GraphPass, observed: ObservedSubscription): Promise<void> {
    const adopted = isAdoption(pass, observed);
    await ensureFinalizer(this.#deps, pass.page, pass.signal);
    if (!adopted) return;
    const note = `Page ${pass.page.spec.pageId} was subscribed to ${list([...observed.fields].sort())} before this object managed it: deleting the object will unsubscribe it`;
    pass.report.tell({ type: 'Normal', reason: 'Adopted', action: 'Observe', note });
  }

  async #repair(pass: GraphPass, plan: Write, observed: ObservedSubscription): Promise<void> {
    const nowMs = this.#deps.clock.monotonicMs();
    const change = changeOf(pass, observed);
    noteChange(pass, change, nowMs);
    const held = holdBack(pass, change, nowMs);
    if (held !== undefined) {
      pass.report.judge('Subscribed', bad(held.reason, held.message));
      pass.report.wake(held.untilMs - nowMs);
      return;
    }
    await this.#write(pass, plan, change);
    this.#settled(pass, await this.#readBack(pass));
  }

  async #write(pass: GraphPass, plan: Write, change: Change): Promise<void> {
    const { graph, clock, log } = this.#deps;
    const { token, call, report, page, epoch, signal } = pass;
    await assertMayWrite(this.#deps, page, { epoch, signal });
    pass.memory.unconfirmedWrite = true;
    try {
      await graph.subscribe(token, plan.fields, call);
    } catch (error) {
      if (error instanceof TerminalError) this.#rememberRefusal(pass, error, plan.fields);
      throw error;
    }
    pass.memory.refusal = undefined;
    if (change.kind === 'removed') pass.memory.removals = change.afterRestore(clock.monotonicMs());
    report.set({ lastWriteTime: rfc3339(clock.nowMs()) });
    const note = `Subscribed page ${page.spec.pageId} to ${list(plan.fields)}: ${plan.because}`;
    report.tell({ type: change.type, reason: change.event, action: 'Subscribe', note });
    log.info('subscribed page', { page: keyText(pass.key), pageId: page.spec.pageId, fields: plan.fields, because: plan.because });
  }

  #rememberRefusal({ memory, page, app }: GraphPass, error: TerminalError, sent: readonly string[]): void {
    const basis = basisOf(page, app);
    const looks = memory.refusal?.basis === basis ? memory.refusal.looks + 1 : 1;
    const hint = error.reason === 'InvalidField' ? fieldHint(sent, sent[error.refusedIndex ?? -1]) : undefined;
    const message = hint === undefined ? fullMessage(error) : `${hint}; ${fullMessage(error)}`;
    const untilMs = this.#deps.clock.monotonicMs() + stalledLookMs(looks - 1);
    memory.refusal = { basis, reason: error.reason, message, looks, untilMs };
  }

  /** @throws TransientError when Graph keeps showing something else */
  async #readBack(pass: GraphPass): Promise<ObservedSubscription> {
    for (const ms of READ_BACK_AFTER_MS) {
      if (ms > 0) await sleep(this.#deps.clock, ms, pass.signal);
      const observed = await this.#observe(pass);
      if (planSubscription(pass.spec.fields, observed).action !== 'none') continue;
      pass.memory.unconfirmedWrite = false;
      return observed;
    }
    throw new TransientError('GraphUnavailable', `Graph took the fields of page ${pass.page.spec.pageId} and does not show them yet`);
  }

  /** The page has the fields that it is to have; now for the app's side. */
  #settled(pass: GraphPass, observed: ObservedSubscription): void {
    const { app, page, spec, report } = pass;
    this.#show(pass, observed);
    const fault = checkAppFields(spec.fields, app, this.#deps.health.refusedFields(appKeyOf(page)));
    report.judge('Subscribed', fault ?? good(`Graph lists the app on page ${page.spec.pageId} with the wanted fields`));
  }

  #show({ app, spec, report }: GraphPass, observed: ObservedSubscription): void {
    const delivered = deliveredFields(observed.fields, app);
    const ofWanted = delivered.filter((field) => spec.fields.includes(field)).length;
    report.set({
      subscribedFields: [...observed.fields].sort(),
      effectiveFields: delivered,
      fieldsSummary: `${ofWanted}/${spec.fields.length}`,
    });
  }
}
