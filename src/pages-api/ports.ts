import type { PageEntry } from '../core/ports/page-directory.js';
import type { Secret } from '../core/secrets/secret.js';

/** Who calls, as a TokenReview says. */
export interface Caller {
  readonly username: string;
  readonly uid?: string | undefined;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>> | undefined;
}

/** What a caller wants, as a SubjectAccessReview asks it. No namespace: in all of them. */
export interface Access {
  readonly verb: 'get' | 'list' | 'create';
  readonly group: string;
  readonly resource: string;
  readonly subresource?: string;
  readonly namespace?: string;
  readonly name?: string;
}

export interface Authenticator {
  /** undefined: an unknown caller. Throws when that cannot be found out right now. */
  authenticate(token: Secret, signal: AbortSignal): Promise<Caller | undefined>;
}

export interface Authorizer {
  /** Throws when it cannot be found out right now. */
  authorize(caller: Caller, access: Access, signal: AbortSignal): Promise<boolean>;
  /**
   * Where it is there: which pages of a list that is allowed the caller is shown. Asked from
   * memory, never waits.
   */
  sees?(caller: Caller, entry: PageEntry): boolean;
}
