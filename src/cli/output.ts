import type { Writable } from 'node:stream';

/** How long unread output may hold the process up once it was asked to stop. */
const LAST_MS = 2_000;

/**
 * One output stream of the process. A pipe takes 64 KiB at a time, and `process.exit` drops the
 * rest, so wait for `flushed` before the process ends.
 */
export class Output {
  readonly #stream: Writable;
  #failure: Error | undefined;

  constructor(stream: Writable) {
    this.#stream = stream;
    stream.on('error', (error) => {
      // A reader that closes early (`… | head -1`) has what it wants. The command's exit code
      // stands.
      if (!('code' in error) || error.code !== 'EPIPE') this.#failure ??= error;
    });
  }

  /**
   * Waits until everything written so far has left the process or never can. Waits for a slow
   * reader without a limit, but no longer than 2 s once `signal` is aborted. Never rejects.
   * @returns why output was lost; undefined: it was not
   */
  async flushed(signal: AbortSignal): Promise<Error | undefined> {
    await new Promise<void>((resolve) => {
      let timer: NodeJS.Timeout | undefined;
      const hurry = (): void => {
        timer = setTimeout(resolve, LAST_MS);
      };
      if (signal.aborted) hurry();
      else signal.addEventListener('abort', hurry, { once: true });
      // Called after all earlier writes, or with an error once the stream is broken.
      this.#stream.write('', () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', hurry);
        resolve();
      });
    });
    return this.#failure;
  }
}
