import type { LogValue } from './log-value.js';

/** One log line before it is text. */
export interface LogLine {
  /** RFC 3339 with milliseconds. */
  readonly time: string;
  readonly level: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, LogValue>>;
}

const RESERVED = new Set(['time', 'level', 'message']);
const PLAIN = /^[^\s"=\p{Cc}]+$/u;

/**
 * One JSON object, without a line break. A field named like one of ours gets a `_` behind its name.
 */
export function formatJson({ time, level, message, fields }: LogLine): string {
  const line: Record<string, LogValue> = { time, level, message };
  for (const [name, value] of Object.entries(fields)) line[RESERVED.has(name) ? `${name}_` : name] = value;
  return JSON.stringify(line);
}

/**
 * `time LEVEL message name=value …`, for people; line breaks and control characters are escaped, so
 * that nothing fakes a line.
 */
export function formatText({ time, level, message, fields }: LogLine): string {
  const shown = Object.entries(fields).map(([name, value]) => ` ${oneLine(name)}=${valueText(value)}`);
  return `${time} ${level.toUpperCase().padEnd(5)} ${oneLine(message)}${shown.join('')}`;
}

function valueText(value: LogValue): string {
  return typeof value === 'string' && PLAIN.test(value) ? value : JSON.stringify(value);
}

function oneLine(text: string): string {
  return text.replace(/\p{Cc}/gu, (character) => JSON.stringify(character).slice(1, -1));
}
