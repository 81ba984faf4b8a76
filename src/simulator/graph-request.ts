import type { Params } from './params.js';

/** A Graph call as it came in, alone or as an item of a batch. */
export interface GraphRequest {
  readonly method: string;
  /** With or without a version in front, no query. */
  readonly path: string;
  readonly params: Params;
  /** From the header; a parameter wins over it. */
  readonly bearer: string | undefined;
  /** Where the simulator is reached, for paging links. */
  readonly origin: string;
  /** The seq of the batch that this is an item of. */
  readonly batch?: number;
}

/** `status` 0: there is no answer; `cut` says what happens to the connection. */
export interface GraphReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly cut?: 'drop' | 'hang' | 'truncate';
}
