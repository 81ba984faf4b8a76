import type { Writable } from 'node:stream';
import { KnownSecrets, type SearchedValues } from '../core/secrets/known-secrets.js';
import { Redactor } from '../core/secrets/redact.js';
import type { Secret } from '../core/secrets/secret.js';
import type { Clock } from '../kit/clock.js';
import type { TextOrigin } from '../observability/log-value.js';
import { createLogger, type LogLevel, type RootLogger } from '../observability/logger.js';
import { Metrics } from '../observability/metrics.js';

/** What a command gets from the process that it runs in. */
export interface ProcessIo {
  readonly stdout: Writable;
  readonly stderr: Writable;
  readonly clock: Clock;
  /** Aborted when the process is asked to stop. */
  readonly signal: AbortSignal;
  readonly version: string;
  /**
   * Sets what reports an error that nothing caught, before the process ends. The last call counts.
   */
  onCrash(report: (error: unknown) => Promise<void>): void;
}

/** What everything in a running process shares. */
export interface ProcessContext {
  readonly log: RootLogger;
  /**
   * Removes every secret that this process has read from a foreign text, and shortens it for a
   * condition or an Event.
   */
  readonly redactor: Redactor;
  /**
   * Call it with every secret that is read, so that neither the log nor the redactor lets it
   * through.
   */
  readonly learn: (secret: Secret) => void;
  /** Called once for each call of `learn` when the value is no longer in use. */
  readonly forget: (secret: Secret) => void;
  readonly metrics: Metrics;
  readonly clock: Clock;
  /** Aborted when the process is asked to stop. */
  readonly signal: AbortSignal;
  readonly version: string;
}

export interface LogConfig {
  readonly logLevel: LogLevel;
  readonly logFormat: 'json' | 'text';
}

/** A log line may show more of a foreign text than a condition does. */
const MAX_LOG_TEXT = 32_768;
const VALUES_BY_ORIGIN: Readonly<Record<TextOrigin, SearchedValues>> = { identity: 'none', own: 'unguessable', foreign: 'all' };

/**
 * Sets up logging, metrics and redaction. An error that nothing catches is logged, redacted, before
 * the process ends.
 */
export function openContext(config: LogConfig, io: ProcessIo): ProcessContext {
  const known = new KnownSecrets();
  const forLog = new Redactor({ max: MAX_LOG_TEXT, known });
  const redactor = new Redactor({ known });
  const metrics = new Metrics(io.version);
  const log = createLogger({
    level: config.logLevel,
    format: config.logFormat,
    stream: io.stderr,
    redact: (text, origin) => forLog.text(text, [], VALUES_BY_ORIGIN[origin]),
    clock: io.clock,
    observe: metrics.process.logged,
  });
  io.onCrash(async (error) => {
    log.error('the process ends because of an error that nothing handled', { error });
    await log.close();
  });
  const learn = (secret: Secret): void => {
    known.add(secret);
  };
  const forget = (secret: Secret): void => {
    known.remove(secret);
  };
  return { log, redactor, learn, forget, metrics, clock: io.clock, signal: io.signal, version: io.version };
}
