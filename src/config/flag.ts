import type { ValueType } from './value-types.js';

export const COMMANDS = ['controller', 'webhook', 'pages-api', 'standalone', 'simulator', 'get', 'release'] as const;
export type CommandName = (typeof COMMANDS)[number];

export const GROUPS = [
  'Scope',
  'Reconciling',
  'Webhook',
  'Delivery to bots',
  'Pages API',
  'Graph API',
  'Folder of manifests',
  'Simulator',
  'Release',
  'Output',
  'Process',
] as const;
export type Group = (typeof GROUPS)[number];

/**
 * One line of the table of flags: everything that parsing, `--help` and the reference know of a
 * flag.
 */
export interface Flag<T, C extends CommandName = CommandName> {
  /** Without the dashes. */
  readonly name: string;
  readonly short?: string;
  readonly type: ValueType<T>;
  /** As a user would write it; undefined: no value unless given. */
  readonly fallback: string | undefined;
  /** Where a command has another default. */
  readonly fallbackOf?: Partial<Readonly<Record<CommandName, string>>>;
  readonly commands: readonly C[];
  readonly group: Group;
  /** What it does, for users: one or two sentences. */
  readonly about: string;
  /** The part behind it is not in this version: only the default is taken. */
  readonly notYet?: true;
}

interface Words<C extends CommandName> {
  readonly name: string;
  readonly short?: string;
  readonly commands: readonly C[];
  readonly group: Group;
  readonly about: string;
  readonly notYet?: true;
}

/** A flag that always has a value. */
export function flag<T, const C extends CommandName>(
  type: ValueType<T>,
  fallback: string | { readonly value: string; readonly of: Partial<Readonly<Record<CommandName, string>>> },
  words: Words<C>,
): Flag<T, C> {
  if (typeof fallback === 'string') return { ...words, type, fallback };
  return { ...words, type, fallback: fallback.value, fallbackOf: fallback.of };
}

/** A flag whose value is undefined unless given. */
export function optionalFlag<T, const C extends CommandName>(type: ValueType<T>, words: Words<C>): Flag<T | undefined, C> {
  return { ...words, type, fallback: undefined };
}

/** `--graph-url` → `MESSENGER_GRAPH_URL` */
export function variableOf(name: string): string {
  return `MESSENGER_${name.toUpperCase().replaceAll('-', '_')}`;
}

/** The default of a flag for one command. */
export function fallbackFor(spec: Flag<unknown>, command: CommandName): string | undefined {
  return spec.fallbackOf?.[command] ?? spec.fallback;
}
