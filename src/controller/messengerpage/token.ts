import { PAGE_REASONS, type PageReason } from '../../api/v1alpha1/conditions.js';
import type { MessengerPageStatus } from '../../api/v1alpha1/types.gen.js';
import { TerminalError } from '../../core/domain/errors.js';
import { stalledLookMs } from '../../core/domain/schedule.js';
import { checkToken, dayOf, expiresWithin, type Proof, type TokenVerdict, type WarnDays } from '../../core/domain/token-check.js';
import type { PageCredentials, TokenInfo } from '../../core/ports/graph.js';
import { tokenFingerprint } from '../../core/secrets/fingerprint.js';
import type { Secret } from '../../core/secrets/secret.js';
import { rfc3339 } from '../../kit/clock.js';
import { namespaceOf } from '../../relations/relations.js';
import { pageSecretReferences } from '../../relations/secret-references.js';
import { readSecret, type FoundSecret } from '../../relations/secret-values.js';
import { findCondition, isConditionTrue } from '../../runtime/conditions.js';
import { firstDriftCheckMs, lateCheckMs } from '../../runtime/drift.js';
import { missingGrant } from '../secret-grants.js';
import { bad, good, refused, type Verdict } from '../verdict.js';
import type { TokenMemory } from './memory.js';
import { basisOf, type AcceptedPass } from './pass.js';
import type { PageReconcilerDeps } from './ports.js';

const FAULTS = { not_found: 'SecretNotFound', key_missing: 'SecretKeyMissing', malformed: 'TokenMalformed' } as const;
/** A Secret that is deleted and created again within this time is not mentioned. */
const QUIETLY_GONE_MS = 60_000;
const AFTER_EXPIRY_MS = 5_000;

type TokenStatus = NonNullable<MessengerPageStatus['token']>;
type FoundToken = Extract<FoundSecret, { kind: 'value' }>;

/**
 * Takes the page's token from its Secret, has it checked by `debug_token` where that is due, and
 * judges `TokenValid`.
 * @returns what to call Graph with; undefined: the token is not good
 * @throws TransientError, RateLimitedError, AppCredentialError when Graph cannot be asked: nothing
 * is judged then
 */
export async function checkPageToken(deps: PageReconcilerDeps, pass: AcceptedPass): Promise<PageCredentials | undefined> {
  const { page, report, memory, credentials: app, signal } = pass;
  const found = await readSecret(deps, pageSecretReferences(page).token, signal);
  if (found.kind === 'fault') {
    noteMissingToken(deps, pass, found.fault);
    report.judge('TokenValid', bad(FAULTS[found.fault], found.message));
    return undefined;
  }
  deps.memories.changes.admit(pass, tokenFingerprint(page.metadata.uid ?? '', found.secret), deps.clock.monotonicMs());
  const answer = await answerFor(deps, pass, found.secret);
  const verdict = verdictOf(answer, pass, deps.clock.nowMs());
  note(deps, pass, { answer, verdict });
  report.judge('TokenValid', tokenValid(verdict, goneText(deps, pass, found)));
  if (verdict.reason !== undefined) return undefined;
  await judgeGrant(deps, pass);
  const credentials = { app, pageId: page.spec.pageId, token: found.secret };
  if (verdict.proof === 'proven') memory.credentials = credentials;
  return credentials;
}

/**
 * A Secret that does not exist yet may be applied in a moment: until then nothing is decided about
 * the claim.
 */
function noteMissingToken({ proofs, secretGrace }: PageReconcilerDeps, { page, app, report }: AcceptedPass, fault: string): void {
  const { uid = '' } = page.metadata;
  const mayCome = fault === 'not_found' && page.status?.claim === undefined;
  const leftMs = mayCome ? secretGrace.leftMs(namespaceOf(page), `${app.spec.appId}/${page.spec.pageId}`) : 0;
  if (leftMs <= 0) {
    proofs.withdraw(uid);
    return;
  }
  proofs.await(uid);
  report.wake(leftMs);
}

/**
 * Graph refused the token in another call: asks `debug_token` why, and judges `TokenValid` again.
 */
export async function checkRefusedToken(deps: PageReconcilerDeps, pass: AcceptedPass, error: TerminalError): Promise<void> {
  askAgain(pass);
  if ((await checkPageToken(deps, pass)) === undefined) return;
  // Graph calls the token good and still refuses it: for events the refusal counts.
  pass.report.judge('TokenValid', refused(error, error.reason));
  askAgain(pass);
}

/** Whether a refusal of Graph's is about the token: then `TokenValid` reports it. */
export function isTokenReason(reason: string): boolean {
  return tokenReasonFor(reason) !== undefined;
}

/** The token is good, but the page's bot gets it only if the Pages API may read it as well. */
async function judgeGrant({ secretAccess, clock }: PageReconcilerDeps, { page, report, signal }: AcceptedPass): Promise<void> {
  const reason = 'SecretNotReadable';
  const before = findCondition(page.status?.conditions, 'TokenValid');
  const secrets = [pageSecretReferences(page).token];
  const missing = await missingGrant(secretAccess, { reader: 'pages-api', secrets, reason, before, nowMs: clock.nowMs() }, signal);
  report.wake(missing?.recheckMs);
  if (missing !== undefined) report.judge('TokenValid', bad(reason, missing.message));
}

function askAgain({ memory }: AcceptedPass): void {
  if (memory.token !== undefined) memory.token = { ...memory.token, dueMs: 0 };
}

// debug_token: at creation, for a new value, after any refusal, and every --token-check-interval.

/** Graph's answer for this page and this value, remembered until it is due again. */
async function answerFor(deps: PageReconcilerDeps, pass: AcceptedPass, token: Secret): Promise<TokenMemory> {
  const fingerprint = tokenFingerprint(pass.page.metadata.uid ?? '', token);
  const known = pass.memory.token?.fingerprint === fingerprint ? pass.memory.token : undefined;
  if (known !== undefined && !mustAsk(deps, pass, known)) return known;
  return remember(deps, pass, { fingerprint, answer: await inspect(deps, pass, token), known });
}

interface NewAnswer extends Pick<TokenMemory, 'fingerprint' | 'answer'> {
  /** What was known of the same value before. */
  readonly known: TokenMemory | undefined;
}

function remember(deps: PageReconcilerDeps, pass: AcceptedPass, { fingerprint, answer, known }: NewAnswer): TokenMemory {
  const { reason } = verdictOf({ answer }, pass, deps.clock.nowMs());
  const badLooks = reason === undefined ? 0 : (known?.badLooks ?? 0) + 1;
  const nowMs = deps.clock.monotonicMs();
  const nextMs = nextCheckMs(deps, pass, { answer, badLooks });
  const dueMs = nowMs + (known === undefined && badLooks === 0 ? spreadMs(deps, pass, nextMs) : nextMs);
  pass.memory.token = { fingerprint, answer, basis: basisOf(pass), badLooks, dueMs };
  if (badLooks > 0) pass.memory.lookedMs = nowMs;
  return pass.memory.token;
}

/**
 * It is due; or the answer is bad now and was for another spec, or was good before (other fields,
 * it has expired).
 */
function mustAsk({ clock }: PageReconcilerDeps, pass: AcceptedPass, known: TokenMemory): boolean {
  if (clock.monotonicMs() >= known.dueMs) return true;
  const { reason } = verdictOf(known, pass, clock.nowMs());
  return reason !== undefined && (known.badLooks === 0 || known.basis !== basisOf(pass));
}

async function inspect({ graph }: PageReconcilerDeps, { credentials, call }: AcceptedPass, token: Secret): Promise<TokenMemory['answer']> {
  try {
    return { info: await graph.inspectToken(credentials, token, call) };
  } catch (error) {
    if (!(error instanceof TerminalError)) throw error;
    const { message, graphText } = error;
    return { refused: { reason: tokenReasonFor(error.reason) ?? 'TokenInvalidated', proof: proofBy(error.reason), message, graphText } };
  }
}

/** A start inspects all tokens at once; the second time they are spread over half the interval. */
function spreadMs({ options }: PageReconcilerDeps, { memory }: AcceptedPass, ms: number): number {
  const halfMs = options.tokenCheckIntervalMs / 2;
  return Math.min(ms, halfMs + firstDriftCheckMs(`${memory.uid}/token`, halfMs));
}

function nextCheckMs(
  { signs, options, random, clock }: PageReconcilerDeps,
  { page, app }: AcceptedPass,
  { answer, badLooks }: Pick<TokenMemory, 'answer' | 'badLooks'>,
): number {
  if (badLooks > 0) return stalledLookMs(badLooks - 1);
  const pressure = signs?.pressure(app.spec.appId, page.spec.pageId) ?? 1;
  const usualMs = lateCheckMs(options.tokenCheckIntervalMs * pressure, random);
  const expiresAt = expiryOf({ answer });
  if (expiresAt === undefined) return usualMs;
  return Math.min(usualMs, Math.max(0, expiresAt * 1_000 - clock.nowMs()) + AFTER_EXPIRY_MS);
}

/** What the answer means for this page as it is now. */
function verdictOf({ answer }: Pick<TokenMemory, 'answer'>, { page, spec, credentials }: AcceptedPass, nowMs: number): TokenVerdict {
  if ('refused' in answer) return answer.refused;
  return checkToken(answer.info, { appId: credentials.appId, pageId: page.spec.pageId, fields: spec.fields, nowMs });
}

function tokenReasonFor(reason: string): PageReason | undefined {
  return PAGE_REASONS.TokenValid.find((one) => one === reason && one !== 'GraphUnavailable');
}

function proofBy(reason: string): Proof {
  if (reason === 'TokenWrongApp' || reason === 'TokenWrongPage') return 'foreign';
  return reason === 'TokenExpired' || reason === 'TokenInvalidated' ? 'dead' : 'unproven';
}

// What the pass makes of the answer: condition, status.token, Events and metric.

interface Judged {
  readonly answer: TokenMemory;
  readonly verdict: TokenVerdict;
}

function tokenValid({ reason, message, graphText }: TokenVerdict, goneMessage: string | undefined): Verdict {
  if (reason !== undefined) return { ...bad(reason, message), graphText };
  return good(goneMessage ?? message);
}

/**
 * Proof, `status.token`, expiry and the next check. The last proven value stays in the status until
 * another one is proven.
 */
function note(deps: PageReconcilerDeps, pass: AcceptedPass, { answer, verdict }: Judged): void {
  const { page, report } = pass;
  const uid = page.metadata.uid ?? '';
  deps.proofs.set(uid, verdict.proof);
  report.wake(answer.badLooks > 0 ? answer.dueMs - deps.clock.monotonicMs() : undefined);
  noteExpiry(deps, pass, { answer, verdict });
  if (!('info' in answer.answer)) return;
  const { info } = answer.answer;
  if (verdict.proof === 'proven') report.set({ token: tokenStatus(info, answer.fingerprint) });
  else if (page.status?.token?.fingerprint === undefined) report.set({ token: tokenStatus(info, undefined) });
}

/** Tells the metric of a good token's expiry, and users once for each threshold. */
function noteExpiry(deps: PageReconcilerDeps, pass: AcceptedPass, { answer, verdict }: Judged): void {
  const expiresAt = verdict.reason === undefined ? expiryOf(answer) : undefined;
  const within = expiresWithin(expiresAt, deps.clock.nowMs());
  deps.counters.tokenEnds?.(pass.page.metadata.uid ?? '', within);
  if (expiresAt !== undefined && within !== undefined) warnOfExpiry(deps, pass, { expiresAt, within, message: verdict.message });
}

interface Expiry {
  /** Seconds since the epoch. */
  readonly expiresAt: number;
  readonly within: WarnDays;
  readonly message: string;
}

/** One Event for each of the thresholds that the token's end comes within. */
function warnOfExpiry(deps: PageReconcilerDeps, pass: AcceptedPass, { expiresAt, within, message }: Expiry): void {
  const { page, report, memory } = pass;
  const told = memory.expiryTold ?? toldByEarlierLeader(pass, expiresAt, deps.clock.nowMs());
  if (told?.expiresAt === expiresAt && told.within === within) return;
  const note = `Page ${page.spec.pageId}: ${message}`;
  report.tell({ type: 'Warning', reason: 'TokenExpiring', action: 'CheckToken', note }, () => {
    memory.expiryTold = { expiresAt, within };
  });
}

/** The leader before this one told of a threshold if it had two intervals' time to see it. */
function toldByEarlierLeader(
  { page: { status }, spec }: AcceptedPass,
  expiresAt: number,
  nowMs: number,
): { readonly expiresAt: number; readonly within: WarnDays | undefined } | undefined {
  const judged = isConditionTrue(status?.conditions, 'TokenValid') && status?.token?.expiresAt === rfc3339(expiresAt * 1_000);
  return judged ? { expiresAt, within: expiresWithin(expiresAt, nowMs - 2 * spec.intervalMs) } : undefined;
}

/** What to say of a token whose Secret is gone; undefined: it is there. */
function goneText({ options }: PageReconcilerDeps, { page, report }: AcceptedPass, { goneForMs }: FoundToken): string | undefined {
  if (goneForMs === undefined) return undefined;
  report.wake(goneForMs < QUIETLY_GONE_MS ? QUIETLY_GONE_MS - goneForMs : options.secretGraceMs - goneForMs);
  const was = findCondition(page.status?.conditions, 'TokenValid');
  if (goneForMs < QUIETLY_GONE_MS) return was?.status === 'True' ? was.message : undefined;
  const minutes = Math.round(options.secretGraceMs / 60_000);
  const name = page.spec.accessTokenSecretRef.name;
  return `the token is good, but Secret ${namespaceOf(page)}/${name} is gone: its last value is used for ${minutes} minutes at most, create it again`;
}

/** Seconds since the epoch; undefined: never, or Graph did not say. */
function expiryOf({ answer }: Pick<TokenMemory, 'answer'>): number | undefined {
  const expiresAt = 'info' in answer ? answer.info.expiresAt : undefined;
  return expiresAt === 0 ? undefined : expiresAt;
}

/** `status.token` for what Graph said. `fingerprint` only for a proven value. */
function tokenStatus(info: TokenInfo, fingerprint: string | undefined): TokenStatus {
  return {
    ...(info.type === undefined ? {} : { type: info.type }),
    ...expiryStatus(info.expiresAt),
    ...(hasTime(info.dataAccessExpiresAt) ? { dataAccessExpiresAt: rfc3339(info.dataAccessExpiresAt * 1_000) } : {}),
    scopes: [...info.scopes].sort(),
    ...(fingerprint === undefined ? {} : { fingerprint }),
  };
}

function expiryStatus(expiresAt: number | undefined): Pick<TokenStatus, 'expires' | 'expiresAt'> {
  if (expiresAt === undefined) return {};
  if (!hasTime(expiresAt)) return { expires: 'never' };
  return { expires: dayOf(expiresAt), expiresAt: rfc3339(expiresAt * 1_000) };
}

/** Graph writes 0 for never; what lies beyond the calendar is no time either. */
function hasTime(seconds: number | undefined): seconds is number {
  return seconds !== undefined && seconds > 0 && seconds < 8_640_000_000;
}
