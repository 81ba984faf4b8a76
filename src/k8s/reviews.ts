import type { Secret } from '../core/secrets/secret.js';
import { unavailable } from './kube-error.js';
import type { KubeClient } from './kube-http.js';
import { ACCESS_REVIEWS, apiVersionOf, collectionPath, TOKEN_REVIEWS, type ResourceType } from './resources.js';

/** Who a token belongs to. */
export interface ReviewedUser {
  readonly username: string;
  readonly uid?: string | undefined;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>> | undefined;
}

/**
 * What a caller wants to do. Without a namespace: in all of them; without a name: to any of them.
 */
export interface ReviewedAccess {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource?: string;
  readonly namespace?: string;
  readonly name?: string;
}

export interface KubeReviewsDeps {
  readonly client: KubeClient;
  /** The one that tokens must be made for. */
  readonly audience: string;
}

/** A review stands between a bot and its answer. */
const TIMEOUT_MS = 5_000;

/**
 * Asks the API server who a token belongs to and what they may do. Every call is one request;
 * remembering is the caller's. Both throw ClusterUnavailableError when there is no answer, which is
 * not a no.
 */
export class KubeReviews {
  readonly #deps: KubeReviewsDeps;

  constructor(deps: KubeReviewsDeps) {
    this.#deps = deps;
  }

  /** undefined: an unknown token, or a token that was not made for our audience. */
  async authenticate(token: Secret, signal: AbortSignal): Promise<ReviewedUser | undefined> {
    const { audience } = this.#deps;
    const status = await this.#review(TOKEN_REVIEWS, { token: token.reveal(), audiences: [audience] }, signal);
    const { authenticated, audiences, user } = status as {
      readonly authenticated?: boolean;
      readonly audiences?: readonly string[];
      readonly user?: Partial<ReviewedUser>;
    };
    // An authenticator that knows no audiences leaves them out: its tokens were not made for us.
    if (authenticated !== true || audiences?.includes(audience) !== true || user?.username === undefined) return undefined;
    const { username, uid, groups = [], extra } = user;
    return { username, groups, ...(uid === undefined ? {} : { uid }), ...(extra === undefined ? {} : { extra }) };
  }

  async authorize(user: ReviewedUser, access: ReviewedAccess, signal: AbortSignal): Promise<boolean> {
    const { username, uid, groups, extra } = user;
    const spec = { user: username, uid, groups, extra, resourceAttributes: access };
    const { allowed, denied } = (await this.#review(ACCESS_REVIEWS, spec, signal)) as {
      readonly allowed?: boolean;
      readonly denied?: boolean;
    };
    return allowed === true && denied !== true;
  }

  async #review(resource: ResourceType, spec: object, signal: AbortSignal): Promise<object> {
    try {
      const review = (await this.#deps.client.request({
        method: 'POST',
        path: collectionPath(resource),
        body: { apiVersion: apiVersionOf(resource), kind: resource.kind, spec },
        timeoutMs: TIMEOUT_MS,
        signal,
      })) as { readonly status?: object };
      return review.status ?? {};
    } catch (error) {
      throw unavailable(error, signal);
    }
  }
}
