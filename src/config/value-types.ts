import { z } from 'zod';
import type { NamespacedName } from '../core/domain/object-key.js';
import { parseDurationMs } from '../kit/duration.js';

/** How a flag's text becomes a value. */
export interface ValueType<T> {
  /**
   * What stands for the value in help texts: `DURATION`; undefined for a switch, which takes none.
   */
  readonly placeholder: string | undefined;
  /** The allowed range as text, for the reference; empty when there is none. */
  readonly range: string;
  /**
   * Takes the text as given. Its problem reads on after "must be": `an integer from 1 to 65535`.
   */
  readonly schema: z.ZodType<T, string>;
  /** Several values by commas, or by naming the flag again. */
  readonly list?: true;
  /** Looked up on disk once parsed. */
  readonly onDisk?: 'file' | 'directory';
}

interface Rule<T> {
  readonly placeholder: string | undefined;
  readonly range: string;
  readonly wanted: string;
  /** undefined: not such a value. */
  readonly parse: (text: string) => T | undefined;
}

function valueType<T>({ placeholder, range, wanted, parse }: Rule<T>): ValueType<T> {
  const schema = z.string().transform((text, context): T => {
    const value = parse(text.trim());
    if (value !== undefined) return value;
    context.addIssue({ code: 'custom', message: wanted });
    return z.NEVER;
  });
  return { placeholder, range, schema };
}

/** Free text. `pattern` with its description bounds it. */
export function text(placeholder: string, pattern = /^.*$/s, wanted = 'text'): ValueType<string> {
  return valueType({ placeholder, range: '', wanted, parse: (given) => (pattern.test(given) ? given : undefined) });
}

export function integer(min: number, max: number, placeholder = 'N'): ValueType<number> {
  return valueType({
    placeholder,
    range: `${min} to ${max}`,
    wanted: `an integer from ${min} to ${max}`,
    parse: (given) => inRange(/^\d{1,15}$/.test(given) ? Number(given) : undefined, min, max),
  });
}

/** Port 0 lets the system choose a free one; the log says which. */
export const port = integer(0, 65_535, 'PORT');

export const boolean: ValueType<boolean> = valueType({
  placeholder: undefined,
  range: '',
  wanted: 'true or false',
  parse: (given) => (given === 'true' ? true : given === 'false' ? false : undefined),
});

/** Milliseconds, from `30s`, `10m`, `1h30m`. */
export function duration(min: string, max: string): ValueType<number> {
  const [low, high] = [parseDurationMs(min) ?? 0, parseDurationMs(max) ?? 0];
  return valueType({
    placeholder: 'DURATION',
    range: `${min} to ${max}`,
    wanted: `a duration such as 30s or 10m, from ${min} to ${max}`,
    parse: (given) => inRange(parseDurationMs(given), low, high),
  });
}

const SIZE_UNITS = new Map([
  ['', 1],
  ['B', 1],
  ['KiB', 1_024],
  ['MiB', 1_048_576],
  ['GiB', 1_073_741_824],
]);

/** Bytes, from `8MiB`, `512KiB` or a bare number. */
export function size(min: string, max: string): ValueType<number> {
  const [low, high] = [parseSize(min) ?? 0, parseSize(max) ?? 0];
  return valueType({
    placeholder: 'SIZE',
    range: `${min} to ${max}`,
    wanted: `a size such as 512KiB or 8MiB, from ${min} to ${max}`,
    parse: (given) => inRange(parseSize(given), low, high),
  });
}

function parseSize(given: string): number | undefined {
  const [, amount, unit] = /^(\d{1,12}) ?([A-Za-z]*)$/.exec(given) ?? [];
  const factor = SIZE_UNITS.get(unit ?? '?');
  return amount === undefined || factor === undefined ? undefined : Number(amount) * factor;
}

export function oneOf<const T extends string>(...options: readonly T[]): ValueType<T> {
  return valueType({
    placeholder: options.join('|'),
    range: '',
    wanted: `one of ${options.join(', ')}`,
    parse: (given) => options.find((option) => option === given),
  });
}

/** A base address, with no query and no fragment. */
export function url(...protocols: readonly string[]): ValueType<URL> {
  return valueType({
    placeholder: 'URL',
    range: '',
    wanted: `a URL that begins with ${protocols.map((name) => `${name}://`).join(' or ')}, without query or fragment`,
    parse: (given) => {
      const parsed = URL.canParse(given) ? new URL(given) : undefined;
      if (parsed === undefined || parsed.search !== '' || parsed.hash !== '') return undefined;
      return protocols.includes(parsed.protocol.slice(0, -1)) && parsed.hostname !== '' ? parsed : undefined;
    },
  });
}

/** Values by commas; `pattern` holds for each. */
export function list(placeholder: string, pattern: RegExp, wanted: string): ValueType<readonly string[]> {
  const type = valueType<readonly string[]>({
    placeholder,
    range: '',
    wanted: `a list, by commas, of ${wanted}`,
    parse: (given) => {
      const items = given
        .split(',')
        .map((item) => item.trim())
        .filter((item) => item !== '');
      return items.length <= 1_000 && items.every((item) => pattern.test(item)) ? [...new Set(items)] : undefined;
    },
  });
  return { ...type, list: true };
}

/** A file that can be read at start. */
export const file: ValueType<string> = { ...text('FILE', /^[^\0]{1,4096}$/s, 'the path of a file'), onDisk: 'file' };
/** A folder that exists at start. */
export const directory: ValueType<string> = { ...text('DIR', /^[^\0]{1,4096}$/s, 'the path of a folder'), onDisk: 'directory' };
/** A path that need not exist yet. */
export const path: ValueType<string> = text('DIR', /^[^\0]{0,4096}$/s, 'a path');

/** A ServiceAccount of a namespace. */
export const serviceAccount: ValueType<NamespacedName> = valueType({
  placeholder: 'NAMESPACE:NAME',
  range: '',
  wanted: 'a namespace and the name of a ServiceAccount, such as messenger-operator:messenger-operator-webhook',
  parse: (given) => {
    const [, namespace, name] = /^([a-z0-9][-a-z0-9]{0,62}):([a-z0-9][-a-z0-9.]{0,252})$/.exec(given) ?? [];
    return namespace === undefined || name === undefined ? undefined : { namespace, name };
  },
});

function inRange(value: number | undefined, min: number, max: number): number | undefined {
  return value !== undefined && value >= min && value <= max ? value : undefined;
}
