/** One listener of the process, as the start and drain order sees it. */
export interface Part {
  readonly name: string;
  /** Whether what it answers from is complete. */
  ready(): boolean;
  /** Begins to listen. Resolves with the port. */
  listen(): Promise<number>;
  /** Stops listening and finishes what is under way, or gives up after `timeoutMs`. */
  drain(timeoutMs: number): Promise<void>;
  /** Ends at once what is left. */
  close(): Promise<void>;
}
