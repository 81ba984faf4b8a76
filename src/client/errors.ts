/** The Pages API gave no answer that can be used, and nothing younger than `staleMs` is known. */
export class PagesError extends Error {
  /** Of the answer; undefined when there was none. */
  readonly status: number | undefined;

  constructor(message: string, details: { readonly status?: number | undefined; readonly cause?: unknown } = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'PagesError';
    this.status = details.status;
  }

  /** Whether the same question may be answered later without anything being changed. */
  get transient(): boolean {
    const { status } = this;
    return status === undefined || status === 401 || status === 408 || status === 429 || status >= 500;
  }
}
