/** Values that may stand in a log line. A `Secret` prints as `[redacted]`. */
export type LogFields = Readonly<Record<string, unknown>>;

/**
 * What every part logs through: a constant, lower-case message and fields apart. An error is logged
 * once, where it is decided.
 */
export interface Logger {
  error(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  debug(message: string, fields?: LogFields): void;
  /** A logger that adds these fields to every line. */
  child(fields: LogFields): Logger;
}

const nothing = (): void => undefined;
export const silentLogger: Logger = { error: nothing, warn: nothing, info: nothing, debug: nothing, child: () => silentLogger };
