import type { MessengerApp } from '../../api/v1alpha1/types.gen.js';
import { webhookPathOf } from '../../relations/relations.js';
import { appSecretReferences, type SecretReference } from '../../relations/secret-references.js';
import { credentialsOf, readSecret, type FoundSecret } from '../../relations/secret-values.js';
import { findCondition } from '../../runtime/conditions.js';
import { missingGrant } from '../secret-grants.js';
import { bad, good, type Judgement } from '../verdict.js';
import { claimFault, crowdFault, specFault } from './checks.js';
import type { AppPass, AppSecrets } from './pass.js';
import type { AppReconcilerDeps } from './ports.js';

const FAULTS = { not_found: 'SecretNotFound', key_missing: 'SecretKeyMissing', malformed: 'SecretMalformed' } as const;

/** Whether this object stands for its app: judges `Accepted`, and hands out the values of its Secrets. */
export class AcceptStep {
  readonly #deps: AppReconcilerDeps;

  constructor(deps: AppReconcilerDeps) {
    this.#deps = deps;
  }

  /** @throws ClusterUnavailableError when a Secret cannot be read */
  async run(pass: AppPass): Promise<AppSecrets> {
    const { app, report, signal } = pass;
    const { appSecret, verifyToken, previousAppSecret } = appSecretReferences(app);
    const secret = await readSecret(this.#deps, appSecret, signal);
    const verify = await readSecret(this.#deps, verifyToken, signal);
    const previous = previousAppSecret && (await this.#readPrevious(previousAppSecret, signal));
    report.wake(goneWakeMs([secret, verify], this.#deps.options.secretGraceMs));
    const fault = this.#judge(app) ?? secretFault([secret, verify, previous]) ?? (await this.#grantFault(pass));
    report.judge('Accepted', fault ?? accepted(app, [secret, verify]));
    return {
      credentials: secret.kind === 'value' ? credentialsOf(app, secret.secret, this.#deps.options) : undefined,
      verifyToken: verify.kind === 'value' ? verify.secret : undefined,
    };
  }

  #judge(app: MessengerApp): Judgement | undefined {
    const { apps, clock } = this.#deps;
    const rivals = this.#withItself(app, apps.byIndex('appId', app.spec.appId));
    const claimed = claimFault(app, rivals, clock.nowMs());
    if (claimed !== undefined) return claimed;
    return specFault(app) ?? crowdFault(app, this.#withItself(app, apps.byIndex('path', webhookPathOf(app))));
  }

  /** The controller reads the Secrets, but the webhook has to as well. */
  async #grantFault({ app, report, signal }: AppPass): Promise<Judgement | undefined> {
    const { secretAccess, clock } = this.#deps;
    const secrets = Object.values(appSecretReferences(app)).filter((one) => one !== undefined);
    const before = findCondition(app.status?.conditions, 'Accepted');
    const missing = await missingGrant(secretAccess, { reader: 'webhook', secrets, before, nowMs: clock.nowMs() }, signal);
    report.wake(missing?.recheckMs);
    return missing && bad('SecretNotReadable', missing.message);
  }

  /** With the statuses as this process wrote them, and the very object of this pass. */
  #withItself(app: MessengerApp, found: readonly MessengerApp[]): readonly MessengerApp[] {
    const others = found.filter(({ metadata }) => metadata.uid !== app.metadata.uid);
    return [app, ...others.map((one) => this.#deps.statuses.current(one))];
  }

  /** During a rotation the key comes and goes: only a value that cannot be one is a fault. */
  async #readPrevious(reference: SecretReference, signal: AbortSignal): Promise<FoundSecret | undefined> {
    const found = await readSecret(this.#deps, reference, signal);
    return found.kind === 'fault' && found.fault === 'malformed' ? found : undefined;
  }
}

function secretFault(found: readonly (FoundSecret | undefined)[]): Judgement | undefined {
  const fault = found.find((one) => one?.kind === 'fault');
  return fault?.kind === 'fault' ? bad(FAULTS[fault.fault], fault.message) : undefined;
}

/** A Secret that is deleted and created again within this time is not worth a word. */
const QUIETLY_GONE_MS = 60_000;

/** When a vanished Secret is to be spoken of, or its grace time is over; undefined: none has vanished. */
function goneWakeMs(found: readonly FoundSecret[], graceMs: number): number | undefined {
  const gone = found.flatMap((one) => (one.kind === 'value' ? (one.goneForMs ?? []) : []));
  if (gone.length === 0) return undefined;
  return Math.min(...gone.map((ms) => (ms < QUIETLY_GONE_MS ? QUIETLY_GONE_MS : graceMs) - ms));
}

function accepted(app: MessengerApp, found: readonly FoundSecret[]): Judgement {
  const gone = found.some((one) => one.kind === 'value' && (one.goneForMs ?? 0) >= QUIETLY_GONE_MS);
  if (gone) return good('a Secret of this app is gone, its last value is used for a while: create it again');
  return good(`this object stands for app ${app.spec.appId}`);
}
