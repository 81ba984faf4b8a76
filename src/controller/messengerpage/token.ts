import type { MessengerPage } from '../../api/v1alpha1/types.gen.js';
import { fullMessage, type TerminalError } from '../../core/domain/errors.js';
import type { PageCredentials } from '../../core/ports/graph.js';
import { dayOf, expiresWithin, type TokenVerdict } from '../../core/domain/token-check.js';
import { findCondition } from '../../runtime/conditions.js';
import { namespaceOf } from '../../relations/relations.js';
import { pageSecretReferences } from '../../relations/secret-references.js';
import { readSecret, type FoundSecret } from '../../relations/secret-values.js';
import { missingGrant } from '../secret-grants.js';
import { bad, good, type Judgement } from '../verdict.js';
import type { TokenMemory } from './memory.js';
import type { AppPass } from './pass.js';
import type { PageReconcilerDeps } from './ports.js';
import { TokenInspector, verdictOf } from './token-inspector.js';
import { tokenStatus } from './token-status.js';

const FAULTS = { not_found: 'SecretNotFound', key_missing: 'SecretKeyMissing', malformed: 'TokenMalformed' } as const;
/** A Secret that is deleted and created again within this time is not worth a word. */
const QUIETLY_GONE_MS = 60_000;

/** The page's token: out of its Secret, checked with `debug_token` at creation, on a new value, after any 190 and every 12 h. */
export class TokenStep {
  readonly #deps: PageReconcilerDeps;
  readonly #inspector: TokenInspector;

  constructor(deps: PageReconcilerDeps) {
    this.#deps = deps;
    this.#inspector = new TokenInspector(deps);
  }

  /**
   * Judges `TokenValid`. @returns what to call Graph with, or undefined if the token is not good.
   * @throws TransientError, RateLimitedError, AppCredentialError when Graph cannot be asked: nothing is judged then
   */
  async run(pass: AppPass): Promise<PageCredentials | undefined> {
    const found = await readSecret(this.#deps, pageSecretReferences(pass.page).token, pass.signal);
    if (found.kind === 'fault') {
      this.#deps.proofs.withdraw(pass.page.metadata.uid ?? '');
      pass.report.judge('TokenValid', bad(FAULTS[found.fault], found.message));
      return undefined;
    }
    const answer = await this.#inspector.answerFor(pass, found.secret);
    const verdict = verdictOf(answer, pass, this.#deps.clock.nowMs());
    this.#note(pass, answer, verdict);
    const judgement = judgementOf(verdict, this.#goneText(pass, found));
    tellExpiry(pass, answer, judgement.message);
    pass.report.judge('TokenValid', judgement);
    if (verdict.reason !== undefined) return undefined;
    await this.#judgeGrant(pass);
    const credentials = { app: pass.credentials, pageId: pass.page.spec.pageId, token: found.secret };
    if (verdict.proof === 'proven') pass.memory.credentials = credentials;
    return credentials;
  }

  /** Graph refused the token in another call: asks what is the matter with it, and judges `TokenValid` anew. */
  async runAfterRefusal(pass: AppPass, error: TerminalError): Promise<void> {
    if (pass.memory.token !== undefined) pass.memory.token = { ...pass.memory.token, dueMs: 0 };
    const credentials = await this.run(pass);
    if (credentials === undefined) return;
    // Graph calls the token good and refuses it all the same: the refusal is what counts for events.
    pass.report.judge('TokenValid', bad(error.reason, fullMessage(error)));
    if (pass.memory.token !== undefined) pass.memory.token = { ...pass.memory.token, dueMs: 0 };
  }

  /** The token is good, but the page's bot gets it only if the Pages API may read it as well. */
  async #judgeGrant({ page, report, signal }: AppPass): Promise<void> {
    const { secretAccess, clock } = this.#deps;
    const before = findCondition(page.status?.conditions, 'TokenValid');
    const secrets = [pageSecretReferences(page).token];
    const missing = await missingGrant(secretAccess, { reader: 'pages-api', secrets, before, nowMs: clock.nowMs() }, signal);
    report.wake(missing?.recheckMs);
    if (missing !== undefined) report.judge('TokenValid', bad('SecretNotReadable', missing.message));
  }

  /** Proof, `status.token` and the time of the next check. The last proven value stays in the status until another one is. */
  #note({ page, report }: AppPass, { answer, fingerprint, dueMs, badLooks }: TokenMemory, verdict: TokenVerdict): void {
    const { proof } = verdict;
    this.#tellEnd(page, answer, verdict);
    this.#deps.proofs.set(page.metadata.uid ?? '', proof);
    report.wake(badLooks > 0 ? dueMs - this.#deps.clock.monotonicMs() : undefined);
    if (!('info' in answer)) return;
    if (proof === 'proven') report.set({ token: tokenStatus(answer.info, fingerprint) });
    else if (page.status?.token?.fingerprint === undefined) report.set({ token: tokenStatus(answer.info, undefined) });
  }

  #tellEnd({ metadata }: MessengerPage, answer: TokenMemory['answer'], { reason }: TokenVerdict): void {
    const { counters, clock } = this.#deps;
    const ends = reason === undefined && 'info' in answer ? expiresWithin(answer.info.expiresAt, clock.nowMs()) : undefined;
    counters.tokenEnds?.(metadata.uid ?? '', ends);
  }

  #goneText({ page, report }: AppPass, { goneForMs }: Extract<FoundSecret, { kind: 'value' }>): string | undefined {
    if (goneForMs === undefined) return undefined;
    report.wake(goneForMs < QUIETLY_GONE_MS ? QUIETLY_GONE_MS - goneForMs : this.#deps.options.secretGraceMs - goneForMs);
    const was = findCondition(page.status?.conditions, 'TokenValid');
    if (goneForMs < QUIETLY_GONE_MS) return was?.status === 'True' ? was.message : undefined;
    const minutes = Math.round(this.#deps.options.secretGraceMs / 60_000);
    const name = page.spec.accessTokenSecretRef.name;
    return `the token is good, but Secret ${namespaceOf(page)}/${name} is gone: its last value is used for ${minutes} minutes at most, create it again`;
  }
}

function judgementOf({ reason, message }: TokenVerdict, goneText: string | undefined): Judgement {
  if (reason !== undefined) return bad(reason, message);
  return good(goneText ?? message);
}

/** Told when the warning is a new one: the condition still has other words. */
function tellExpiry({ page, report }: AppPass, { answer }: TokenMemory, message: string): void {
  const was = findCondition(page.status?.conditions, 'TokenValid')?.message;
  if (!('info' in answer) || answer.info.expiresAt === undefined || answer.info.expiresAt === 0) return;
  if (!message.includes(`it expires on ${dayOf(answer.info.expiresAt)}`) || was === message) return;
  report.tell({ type: 'Warning', reason: 'TokenExpiring', action: 'CheckToken', note: `Page ${page.spec.pageId}: ${message}` });
}
