import { didYouMean } from '../kit/nearest.js';
import { type CommandName, type Flag, variableOf } from './flag.js';
import { flagsOf } from './flag-table.js';

/** A flag's text as it was given, and by what name, for messages. */
export interface Given {
  readonly source: string;
  readonly text: string;
}

/** Argv taken apart, nothing judged yet but the names. */
export interface Arguments {
  /** By the property that the flag sets. */
  readonly given: ReadonlyMap<string, Given>;
  readonly positionals: readonly string[];
  readonly help: boolean;
  readonly version: boolean;
  readonly problems: readonly string[];
}

/**
 * Takes `--name value`, `--name=value`, `--switch`, `--no-switch`, `-n value`; after `--`
 * everything is positional.
 */
export function readArguments(command: CommandName, argv: readonly string[]): Arguments {
  const reader = new Reader(command, argv);
  return reader.read();
}

/**
 * The variables of the environment that stand for flags of `command`. An empty one counts as not
 * set.
 */
export function readVariables(command: CommandName, env: Readonly<Record<string, string | undefined>>): ReadonlyMap<string, Given> {
  const found = new Map<string, Given>();
  for (const [property, { name }] of flagsOf(command)) {
    const source = variableOf(name);
    const text = env[source];
    if (text === undefined || text === '') continue;
    // Kubernetes announces a Service named e.g. "messenger-api" as MESSENGER_API_PORT=tcp://…: no
    // setting of ours.
    if (source.endsWith('_PORT') && /^(tcp|udp|sctp):\/\//.test(text)) continue;
    found.set(property, { source, text });
  }
  return found;
}

class Reader {
  readonly #flags: ReadonlyMap<string, readonly [string, Flag<unknown>]>;
  readonly #command: CommandName;
  readonly #rest: string[];
  readonly #given = new Map<string, Given>();
  readonly #positionals: string[] = [];
  readonly #problems: string[] = [];
  #help = false;
  #version = false;

  constructor(command: CommandName, argv: readonly string[]) {
    this.#command = command;
    this.#rest = [...argv];
    const entries = flagsOf(command).flatMap((entry) => {
      const { name, short } = entry[1];
      return short === undefined ? [[`--${name}`, entry] as const] : [[`--${name}`, entry] as const, [`-${short}`, entry] as const];
    });
    this.#flags = new Map(entries);
  }

  read(): Arguments {
    for (let arg = this.#rest.shift(); arg !== undefined; arg = this.#rest.shift()) {
      if (arg === '--') this.#positionals.push(...this.#rest.splice(0));
      else if (arg === '--help' || arg === '-h') this.#help = true;
      else if (arg === '--version') this.#version = true;
      else if (arg.startsWith('-') && arg !== '-') this.#flag(arg);
      else this.#positionals.push(arg);
    }
    return { given: this.#given, positionals: this.#positionals, help: this.#help, version: this.#version, problems: this.#problems };
  }

  #flag(arg: string): void {
    const equals = arg.indexOf('=');
    const name = equals < 0 ? arg : arg.slice(0, equals);
    const inline = equals < 0 ? undefined : arg.slice(equals + 1);
    const found = this.#flags.get(name);
    if (found !== undefined) this.#take(name, found, inline);
    else if (!this.#negated(name, inline)) this.#unknown(name, inline);
  }

  #take(name: string, [property, spec]: readonly [string, Flag<unknown>], inline: string | undefined): void {
    const text = inline ?? (spec.type.placeholder === undefined ? 'true' : this.#rest.shift());
    if (text === undefined) {
      this.#problems.push(`${name} needs a value: ${name} ${spec.type.placeholder ?? ''}`);
      return;
    }
    const before = spec.type.list === true ? this.#given.get(property) : undefined;
    this.#given.set(property, { source: name, text: before === undefined ? text : `${before.text},${text}` });
  }

  #negated(name: string, inline: string | undefined): boolean {
    const found = name.startsWith('--no-') ? this.#flags.get(`--${name.slice(5)}`) : undefined;
    if (found === undefined || found[1].type.placeholder !== undefined || inline !== undefined) return false;
    this.#given.set(found[0], { source: name, text: 'false' });
    return true;
  }

  #unknown(name: string, inline: string | undefined): void {
    // What follows an unknown flag is most likely its value: one problem, not two.
    if (inline === undefined && this.#rest[0]?.startsWith('-') === false) this.#rest.shift();
    const candidates = [...this.#flags.keys()].filter((key) => key.startsWith('--')).map((key) => key.slice(2));
    this.#problems.push(`${name} is not a flag of ${this.#command}${didYouMean(name.replace(/^-+/, ''), candidates, '--')}`);
  }
}
