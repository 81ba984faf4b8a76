import type { Clock } from '../kit/clock.js';
import { Redactor } from '../core/secrets/redact.js';
import type { Secret } from '../core/secrets/secret.js';
import { createLogger, type LogLevel, type RootLogger } from '../observability/logger.js';
import { Metrics } from '../observability/metrics.js';
import type { ProcessIo } from './io.js';

/** What every part of a running process shares. */
export interface Process {
  readonly log: RootLogger;
  /** Takes every secret that this process has read out of a foreign text, and cuts it for a condition or an Event. */
  readonly redactor: Redactor;
  /** To be told of every secret that is read, so that it never stands in a text. */
  readonly learn: (secret: Secret) => void;
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

/** Log lines may be longer than what is shown of a foreign text in a condition. */
const MAX_LOG_TEXT = 32_768;

/** Sets up logging; an error that nobody catches is logged, redacted, before the process ends. */
export function openProcess(config: LogConfig, io: ProcessIo): Process {
  const forLog = new Redactor({ max: MAX_LOG_TEXT });
  const redactor = new Redactor();
  const metrics = new Metrics(io.version);
  const log = createLogger({
    level: config.logLevel,
    format: config.logFormat,
    stream: io.stderr,
    redact: (text) => forLog.text(text),
    clock: io.clock,
    observe: metrics.process.logged,
  });
  io.onCrash(async (error) => {
    log.error('the process ends because of an error that nobody handled', { error });
    await log.close();
  });
  const learn = (secret: Secret): void => {
    forLog.add(secret);
    redactor.add(secret);
  };
  return { log, redactor, learn, metrics, clock: io.clock, signal: io.signal, version: io.version };
}
