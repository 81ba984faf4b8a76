import { PAGE_REASONS, type PageReason } from '../../api/v1alpha1/conditions.js';
import { TerminalError, fullMessage } from '../../core/domain/errors.js';
import { tokenFingerprint } from '../../core/secrets/fingerprint.js';
import { stalledLookMs } from '../../core/domain/schedule.js';
import type { Secret } from '../../core/secrets/secret.js';
import { checkToken, type Proof, type TokenVerdict } from '../../core/domain/token-check.js';
import { firstDriftCheckMs, lateCheckMs } from '../../runtime/drift.js';
import type { TokenMemory } from './memory.js';
import { basisOf, type AppPass } from './pass.js';
import type { PageReconcilerDeps } from './ports.js';

const AFTER_EXPIRY_MS = 5_000;

/** Asks `debug_token` when it is time, and remembers the answer for this page and this value. */
export class TokenInspector {
  readonly #deps: Pick<PageReconcilerDeps, 'graph' | 'signs' | 'clock' | 'options' | 'random'>;

  constructor(deps: Pick<PageReconcilerDeps, 'graph' | 'signs' | 'clock' | 'options' | 'random'>) {
    this.#deps = deps;
  }

  /** @throws TransientError, RateLimitedError, AppCredentialError when Graph has to be asked and cannot be */
  async answerFor(pass: AppPass, token: Secret): Promise<TokenMemory> {
    const fingerprint = tokenFingerprint(pass.page.metadata.uid ?? '', token);
    const known = pass.memory.token?.fingerprint === fingerprint ? pass.memory.token : undefined;
    if (known !== undefined && !this.#mustAsk(pass, known)) return known;
    return this.#remember(pass, { answer: await this.#ask(pass, token), fingerprint }, known);
  }

  #remember(
    pass: AppPass,
    { answer, fingerprint }: Pick<TokenMemory, 'answer' | 'fingerprint'>,
    known: TokenMemory | undefined,
  ): TokenMemory {
    const { reason } = verdictOf({ answer }, pass, this.#deps.clock.nowMs());
    const badLooks = reason === undefined ? 0 : (known?.badLooks ?? 0) + 1;
    const nowMs = this.#deps.clock.monotonicMs();
    const dueMs = nowMs + (known === undefined ? this.#firstMs(pass, answer, badLooks) : this.#nextMs(pass, answer, badLooks));
    pass.memory.token = { fingerprint, answer, basis: basisOf(pass.page, pass.app), badLooks, dueMs };
    if (badLooks > 0) pass.memory.lookedMs = nowMs;
    return pass.memory.token;
  }

  /** It is time; or the answer is bad now and was given to another spec, or was good before (other fields, its time is over). */
  #mustAsk(pass: AppPass, known: TokenMemory): boolean {
    if (this.#deps.clock.monotonicMs() >= known.dueMs) return true;
    const { reason } = verdictOf(known, pass, this.#deps.clock.nowMs());
    return reason !== undefined && (known.badLooks === 0 || known.basis !== basisOf(pass.page, pass.app));
  }

  async #ask({ credentials, call }: AppPass, token: Secret): Promise<TokenMemory['answer']> {
    try {
      return { info: await this.#deps.graph.inspectToken(credentials, token, call) };
    } catch (error) {
      if (!(error instanceof TerminalError)) throw error;
      return { refused: { reason: tokenReason(error.reason), proof: proofBy(error.reason), message: fullMessage(error) } };
    }
  }

  /** A start inspects all tokens at once; the second time they are spread over half the interval. */
  #firstMs(pass: AppPass, answer: TokenMemory['answer'], badLooks: number): number {
    const ms = this.#nextMs(pass, answer, badLooks);
    const halfMs = this.#deps.options.tokenCheckIntervalMs / 2;
    return Math.min(ms, badLooks > 0 ? ms : halfMs + firstDriftCheckMs(`${pass.memory.uid}/token`, halfMs));
  }

  #nextMs({ page, app }: AppPass, answer: TokenMemory['answer'], badLooks: number): number {
    const { signs, options, random } = this.#deps;
    if (badLooks > 0) return stalledLookMs(badLooks - 1);
    const pressure = signs?.pressure(app.spec.appId, page.spec.pageId) ?? 1;
    const usualMs = lateCheckMs(options.tokenCheckIntervalMs * pressure, random);
    const expiresAt = 'info' in answer ? (answer.info.expiresAt ?? 0) : 0;
    if (expiresAt === 0) return usualMs;
    return Math.min(usualMs, Math.max(0, expiresAt * 1_000 - this.#deps.clock.nowMs()) + AFTER_EXPIRY_MS);
  }
}

/** What the answer means for this page as it is now. */
export function verdictOf({ answer }: Pick<TokenMemory, 'answer'>, { page, spec, credentials }: AppPass, nowMs: number): TokenVerdict {
  if ('refused' in answer) return answer.refused;
  return checkToken(answer.info, { appId: credentials.appId, pageId: page.spec.pageId, fields: spec.fields, nowMs });
}

function tokenReason(reason: string): PageReason {
  const known = PAGE_REASONS.TokenValid.find((one) => one === reason);
  return known === undefined || known === 'GraphUnavailable' ? 'TokenInvalidated' : known;
}

function proofBy(reason: string): Proof {
  if (reason === 'TokenWrongApp' || reason === 'TokenWrongPage') return 'foreign';
  return reason === 'TokenExpired' || reason === 'TokenInvalidated' ? 'dead' : 'unproven';
}
