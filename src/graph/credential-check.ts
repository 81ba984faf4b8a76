import { AppCredentialError, TerminalError, TransientError, type OperatorError } from '../core/domain/errors.js';
import { NEW_TOKEN } from '../core/domain/dead-tokens.js';
import type { AppCredentials } from '../core/ports/graph.js';
import { appCall, type GraphCall } from './call.js';
import { proofOf } from './credentials.js';
import { OPERATIONS, type GraphOperation } from './operations.js';

/**
 * Graph refused the app's credentials in a call that concerns a Page. The cause may be the
 * credentials, or the token of that Page alone. Never leaves this folder: the caller finds out
 * which.
 */
export class SuspectedCredentialError extends AppCredentialError {
  /** The call was part of a batch that was refused as a whole. */
  readonly whole: boolean;

  constructor(error: OperatorError, whole: boolean) {
    super(error.reason, error.message, { graphText: error.graphText, graphCode: error.graphCode });
    this.whole = whole;
  }
}

/**
 * Whether an error about the app's credentials can have no other cause: the call is about the app
 * and holds only its token.
 */
export function blamesTheApp(operation: GraphOperation): boolean {
  return OPERATIONS[operation].of === 'app' && operation !== 'batch';
}

/** Asks Graph about an app's credentials with a call that holds no Page's token. */
export class CredentialCheck {
  readonly #ask: (call: GraphCall) => Promise<unknown>;
  readonly #inProgress = new Map<string, Promise<void>>();

  /** `ask` makes the call. */
  constructor(ask: (call: GraphCall) => Promise<unknown>) {
    this.#ask = ask;
  }

  /**
   * Resolves if Graph accepts the credentials. Calls made while one is in progress share its
   * answer: a whole batch of pages may fail at once.
   * @throws AppCredentialError if Graph refuses them; TransientError, RateLimitedError if it gives
   * no answer
   */
  assertAccepted(app: AppCredentials): Promise<void> {
    const key = `${proofOf({ app })} ${app.graphVersion}`;
    const known = this.#inProgress.get(key);
    if (known !== undefined) return known;
    const asked = this.#assert(app).finally(() => {
      this.#inProgress.delete(key);
    });
    this.#inProgress.set(key, asked);
    return asked;
  }

  async #assert(app: AppCredentials): Promise<void> {
    // Shared, so no single caller's signal ends it. The transport bounds it in time.
    const options = { signal: new AbortController().signal, priority: 'interactive' as const };
    try {
      await this.#ask({ ...appCall('app_subscriptions', app, {}, options), checksCredentials: true });
    } catch (error) {
      // Any other refusal (a permission) comes from a Graph that knows who asks.
      if (!(error instanceof TerminalError)) throw error;
    }
  }
}

/**
 * Graph accepts the app, yet refuses this call as if it did not: once is an incident, and is tried
 * again.
 */
export function refusedOnce({ graphText, graphCode }: OperatorError): TransientError {
  const message =
    "Graph refused the app's credentials in this call, but accepts them otherwise: no action needed, the operator tries again";
  return new TransientError('GraphUnavailable', message, { graphText, graphCode });
}

/** Twice in a row, with the app accepted in between, the cause is the token in this call. */
export function refusedForItsToken(operation: GraphOperation, { graphText, graphCode }: OperatorError): TerminalError {
  if (operation === 'inspect_token') {
    const message = `Graph accepts the app's credentials, but cannot read this value as a token: ${NEW_TOKEN}`;
    return new TerminalError('TokenMalformed', message, { graphText, graphCode });
  }
  const message = `Graph accepts the app's credentials, but not together with this token, so another app made it: ${NEW_TOKEN}`;
  return new TerminalError('TokenWrongApp', message, { graphText, graphCode });
}
