import { readFileSync } from 'node:fs';
import type { Clock } from '../kit/clock.js';
import type { Logger } from '../kit/log.js';
import type { TlsPair } from '../kit/tls-pair.js';

export interface TlsFilesDeps {
  readonly certFile: string;
  readonly keyFile: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/**
 * A mounted Secret follows its object within a minute or so: looking every few seconds adds little
 * to that.
 */
const LOOK_MS = 5_000;

/**
 * A certificate and its key on disk, followed: a renewed pair is handed on, a bad one is logged and
 * the old one stays.
 */
export class TlsFiles {
  readonly #deps: TlsFilesDeps;
  #pair: TlsPair;

  /** @throws when the files cannot be read */
  constructor(deps: TlsFilesDeps) {
    this.#deps = deps;
    this.#pair = readPair(deps);
  }

  get pair(): TlsPair {
    return this.#pair;
  }

  /** Calls `take` with each new pair until the signal is aborted. */
  follow(take: (pair: TlsPair) => void): void {
    const { clock, signal } = this.#deps;
    const cancel = clock.setTimer(LOOK_MS, () => {
      if (signal.aborted) return;
      this.#look(take);
      this.follow(take);
    });
    signal.addEventListener('abort', cancel, { once: true });
  }

  #look(take: (pair: TlsPair) => void): void {
    const { log, certFile } = this.#deps;
    try {
      const pair = readPair(this.#deps);
      if (pair.cert === this.#pair.cert && pair.key === this.#pair.key) return;
      this.#pair = pair;
      take(pair);
      log.info('certificate renewed', { file: certFile });
    } catch (error) {
      log.error('the certificate cannot be used; the old one stays', { file: certFile, error });
    }
  }
}

function readPair({ certFile, keyFile }: TlsFilesDeps): TlsPair {
  return { cert: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8') };
}

/** undefined where no certificate is configured. */
export function tlsFiles(
  files: { readonly cert: string | undefined; readonly key: string | undefined },
  rest: Omit<TlsFilesDeps, 'certFile' | 'keyFile'>,
): TlsFiles | undefined {
  const { cert, key } = files;
  return cert === undefined || key === undefined ? undefined : new TlsFiles({ certFile: cert, keyFile: key, ...rest });
}
