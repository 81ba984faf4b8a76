/** One entry of a webhook POST. Whatever else it holds goes out as it is. */
export interface WebhookEntry {
  readonly id: string;
  readonly time?: number;
  readonly messaging?: readonly unknown[];
  readonly standby?: readonly unknown[];
  readonly changes?: readonly unknown[];
  readonly [key: string]: unknown;
}

/** What is to be sent to an app's callback. One of `entries`, `body`, `rawBody`. */
export interface SendRequest {
  readonly appId: string;
  /**
   * Entries of one POST, of any pages; those without a subscription are left out unless `force`.
   */
  readonly entries?: readonly WebhookEntry[];
  /** The whole body as JSON, escaped and signed but not looked into. */
  readonly body?: unknown;
  /** The exact bytes, signed as they are. */
  readonly rawBody?: string | Buffer;
  readonly object?: string;
  /** Leaves subscriptions aside. */
  readonly force?: boolean;
  /** Where to, instead of the app's callback URL. */
  readonly url?: string;
  /**
   * `wrong`: made with another secret. `reserialized`: over other bytes of the same JSON. `none`:
   * no signature.
   */
  readonly sign?: 'right' | 'wrong' | 'reserialized' | 'none';
  /** Further or other headers; null takes one away. */
  readonly headers?: Readonly<Record<string, string | null>>;
  /** Retries as Meta does; default true. Without: one attempt. */
  readonly retry?: boolean;
}
