import type { Writable } from 'node:stream';
import winston from 'winston';
import type { Clock } from '../kit/clock.js';
import type { LogFields, Logger } from '../kit/log.js';
import { formatJson, formatText, type LogLine } from './log-line.js';
import { logText, logValue, type LogValue, type Redact } from './log-value.js';

export const LOG_LEVELS = ['error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface LoggerOptions {
  readonly level: LogLevel;
  /** `json`: one object a line; `text`: for people. */
  readonly format: 'json' | 'text';
  /** Standard error, as a rule. Never ended by the logger. */
  readonly stream: Writable;
  /** Applied to every text of a line, keys, error messages, causes and stacks included. */
  readonly redact: Redact;
  readonly clock: Clock;
  /** Called for every line that is written. */
  readonly observe?: (level: LogLevel) => void;
}

/** The process' logger. Logging never throws, never waits and never ends the process. */
export interface RootLogger extends Logger {
  /**
   * Resolves once every line is handed to the operating system, or after a second. Lines logged
   * later are dropped.
   */
  close(): Promise<void>;
}

/**
 * A reader of stderr that hangs must not fill the memory: beyond this many waiting bytes lines are
 * dropped and counted.
 */
const MAX_WAITING_BYTES = 4_194_304;
const CLOSE_DEADLINE_MS = 1_000;
const MESSAGE = Symbol.for('message');

/** Makes the process' logger. */
export function createLogger(options: LoggerOptions): RootLogger {
  const sink = new Sink(options);
  return { ...boundLogger(sink, {}), close: () => sink.close() };
}

function boundLogger(sink: Sink, bound: LogFields): Logger {
  const at =
    (level: LogLevel) =>
    (message: string, fields?: LogFields): void => {
      sink.write(level, message, fields === undefined ? bound : { ...bound, ...fields });
    };
  return {
    error: at('error'),
    warn: at('warn'),
    info: at('info'),
    debug: at('debug'),
    child: (fields) => boundLogger(sink, { ...bound, ...fields }),
  };
}

class Sink {
  readonly #options: LoggerOptions;
  readonly #winston: winston.Logger;
  readonly #render: (line: LogLine) => string;
  #dropped = 0;
  #closed = false;

  constructor(options: LoggerOptions) {
    this.#options = options;
    this.#render = options.format === 'json' ? formatJson : formatText;
    // A closed pipe must not become an unhandled 'error' event: nothing can report it any more.
    options.stream.on('error', ignore);
    this.#winston = winston.createLogger({
      level: options.level,
      levels: { error: 0, warn: 1, info: 2, debug: 3 },
      exitOnError: false,
      // The line is ready when it comes here; winston levels, queues and writes.
      format: winston.format((info) => ({ ...info, [MESSAGE]: info.message }))(),
      // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- winston declares its transports as instance interfaces
      transports: [new winston.transports.Stream({ stream: options.stream, eol: '\n' })],
    });
    this.#winston.on('error', ignore);
  }

  write(level: LogLevel, message: string, fields: LogFields): void {
    if (this.#closed || !this.#winston.isLevelEnabled(level)) return;
    try {
      if (this.#options.stream.writableLength > MAX_WAITING_BYTES) {
        this.#dropped += 1;
        return;
      }
      if (this.#dropped > 0) this.#tellDropped();
      this.#emit(level, message, fields);
    } catch {
      // A line that cannot be written is no reason to fail what it tells about.
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await new Promise<void>((resolve) => {
      const cancel = this.#options.clock.setTimer(CLOSE_DEADLINE_MS, resolve);
      const done = (): void => {
        cancel();
        resolve();
      };
      const flush = (): void => {
        if (this.#options.stream.writable) this.#options.stream.write('', done);
        else done();
      };
      const [transport] = this.#winston.transports;
      if (transport === undefined) flush();
      else transport.once('finish', flush);
      this.#winston.end();
    });
  }

  #tellDropped(): void {
    const lines = this.#dropped;
    this.#dropped = 0;
    this.#emit('warn', 'dropped log lines because standard error was not read', { lines });
  }

  #emit(level: LogLevel, message: string, fields: LogFields): void {
    const { redact, clock, observe } = this.#options;
    observe?.(level);
    const time = new Date(clock.nowMs()).toISOString();
    const shown = (logValue(fields, redact) ?? {}) as Readonly<Record<string, LogValue>>;
    this.#winston.log({ level, message: this.#render({ time, level, message: logText(message, redact, 'own'), fields: shown }) });
  }
}

function ignore(): void {
  // Nothing: see where it is used.
}
