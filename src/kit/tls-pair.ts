/** A certificate with its chain, and its key: PEM text. */
export interface TlsPair {
  readonly cert: string;
  readonly key: string;
}
