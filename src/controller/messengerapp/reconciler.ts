import { keyOf, keyText, type NamespacedName } from '../../core/domain/object-key.js';
import { findCondition } from '../../runtime/conditions.js';
import { awaitChange, requeueAfter, type Reconciler, type Result } from '../../runtime/ports.js';
import { classOf, consentTo } from '../../relations/relations.js';
import { stallEvents } from '../stall.js';
import { acceptApp, readAppSecrets } from './acceptance.js';
import { keepInUse, needsApp } from './finalizer.js';
import { probeGraph, type Probe } from './probe.js';
import { AppReport, type AppPass, type AppSecrets } from './pass.js';
import type { AppReconcilerDeps } from './ports.js';
import { composeAppStatus } from './status.js';
import { reconcileAppSubscription } from './subscription.js';

/**
 * Keeps one app's acceptance, credentials, subscription and status equal to what its MessengerApp
 * says.
 */
export class MessengerAppReconciler implements Reconciler {
  readonly #deps: AppReconcilerDeps;

  constructor(deps: AppReconcilerDeps) {
    this.#deps = deps;
  }

  async reconcile(key: NamespacedName, signal: AbortSignal): Promise<Result> {
    const { apps, options, mutex } = this.#deps;
    const app = apps.get(key);
    if (app === undefined) return this.#gone(key);
    if (classOf(app) !== options.className) return awaitChange();
    return mutex.run(`app/${app.spec.appId}`, signal, () => this.#alone(key, signal));
  }

  async #alone(key: NamespacedName, signal: AbortSignal): Promise<Result> {
    const { apps, pages, namespaces, statuses, memories, health } = this.#deps;
    const found = apps.get(key);
    if (found === undefined) return this.#gone(key);
    const known = memories.peek(key);
    if (known !== undefined && known.uid !== found.metadata.uid) {
      // It was deleted and created again between two passes: what was known of the old one says
      // nothing about this one.
      statuses.forget(known.uid);
      health.forget(key);
    }
    const app = statuses.current(found);
    const memory = memories.of(app);
    const naming = pages.byIndex('app', keyText(keyOf(app)));
    const inUse = naming.some((page) => needsApp(page, app, namespaces));
    const kept = await keepInUse(this.#deps, { app, memory }, inUse, signal);
    if (kept === 'gone') return awaitChange();
    if (typeof kept === 'number') return requeueAfter(kept);
    const users = naming.filter((page) => consentTo(page, app, namespaces).given);
    return this.#regular({ key, app, pages: users, memory, report: new AppReport(), signal });
  }

  async #regular(pass: AppPass): Promise<Result> {
    const secrets = await readAppSecrets(this.#deps, pass);
    const probe = secrets.credentials && (await probeGraph(this.#deps, pass, secrets.credentials));
    await acceptApp(this.#deps, pass, secrets);
    try {
      await this.#subscribe(pass, secrets, probe);
    } catch (error) {
      // What was seen until then still goes into the status.
      pass.memory.probeDueMs = 0;
      await this.#finish(pass);
      throw error;
    }
    const result = await this.#finish(pass);
    if (probe?.error !== undefined) throw probe.error;
    return result;
  }

  /**
   * An app that was turned away, or whose verify token is missing, has its subscription neither
   * judged nor changed.
   */
  async #subscribe(pass: AppPass, secrets: AppSecrets, probe: Probe | undefined): Promise<void> {
    if (pass.app.spec.webhook?.subscription === 'Ignore') {
      pass.report.judge('Subscribed', 'gone');
      return;
    }
    const { credentials, verifyToken } = secrets;
    if (!isAccepted(pass) || credentials === undefined || verifyToken === undefined || probe?.rows === undefined) return;
    await reconcileAppSubscription(this.#deps, { ...pass, credentials, verifyToken }, probe.rows);
  }

  async #finish(pass: AppPass): Promise<Result> {
    const { clock, status, events, health, log } = this.#deps;
    const { app, report, signal } = pass;
    const composed = composeAppStatus(pass, { nowMs: clock.nowMs(), monotonicMs: clock.monotonicMs() });
    await status.write(app, composed.status, signal);
    report.record(
      (event) => {
        events.record(app, event);
      },
      stallEvents(app.status?.conditions, composed.status.conditions),
    );
    health.tellRefusedFields(pass.key);
    const was = findCondition(app.status?.conditions, 'Ready');
    const { ready } = composed;
    if (was?.status !== ready.status || was.reason !== ready.reason) {
      log.info('app changed', { app: keyText(pass.key), appId: app.spec.appId, ready: ready.status, reason: ready.reason });
    }
    const dues = [composed.wakeMs, report.wakeMs].filter((ms) => ms !== undefined);
    return requeueAfter(dues.length === 0 ? this.#deps.options.intervalMs : Math.min(...dues));
  }

  #gone(key: NamespacedName): Result {
    const { memories, statuses, health } = this.#deps;
    statuses.forget(memories.peek(key)?.uid);
    memories.forget(key);
    health.forget(key);
    return awaitChange();
  }
}

function isAccepted({ report }: AppPass): boolean {
  const accepted = report.judged.get('Accepted');
  return accepted !== undefined && accepted !== 'gone' && accepted.status === 'True';
}
