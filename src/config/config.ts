import { accessSync, constants, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { didYouMean } from '../kit/nearest.js';
import { type Given, readArguments, readVariables } from './arguments.js';
import { crossProblems } from './checks.js';
import { COMMAND_HELP } from './commands.js';
import { ConfigError } from './config-error.js';
import { COMMANDS, type CommandName, fallbackFor, type Flag } from './flag.js';
import { type ConfigOf, flagsOf } from './flag-table.js';
import { commandHelp, programHelp } from './help.js';

export type Environment = Readonly<Record<string, string | undefined>>;

/** A command that is to be run, with its configuration. */
export type Invocation = {
  [C in CommandName]: { readonly kind: 'run'; readonly command: C; readonly config: ConfigOf<C>; readonly args: readonly string[] };
}[CommandName];

/** What the command line asks for. */
export type CommandLine = Invocation | { readonly kind: 'help'; readonly text: string } | { readonly kind: 'version' };

/** What is on disk, as far as configuration asks; another one in tests. */
export interface Disk {
  readable(path: string): boolean;
  isDirectory(path: string): boolean;
}

/**
 * Reads the whole configuration once, at start: argv without the program, and the environment.
 * @throws ConfigError with every problem at once.
 */
export function parseCommandLine(argv: readonly string[], env: Environment, disk: Disk = realDisk): CommandLine {
  const [word, ...rest] = argv;
  if (word === undefined || word === '--help' || word === '-h') return { kind: 'help', text: programHelp() };
  if (word === '--version' || word === 'version') return { kind: 'version' };
  if (word === 'help') return { kind: 'help', text: rest[0] === undefined ? programHelp() : commandHelp(commandNamed(rest[0])) };
  return parseCommand(commandNamed(word), rest, env, disk);
}

function parseCommand(command: CommandName, argv: readonly string[], env: Environment, disk: Disk): CommandLine {
  const read = readArguments(command, argv);
  if (read.help) return { kind: 'help', text: commandHelp(command) };
  if (read.version) return { kind: 'version' };
  const given = new Map([...readVariables(command, env), ...read.given]);
  const problems = [...read.problems, ...positionalProblems(command, read.positionals)];
  const config: Record<string, unknown> = {};
  for (const [property, spec] of flagsOf(command)) {
    const value = valueOf(spec, given.get(property), fallbackFor(spec, command), disk);
    if ('problem' in value) problems.push(value.problem);
    else config[property] = value.value;
  }
  problems.push(...crossProblems(command, config));
  if (problems.length === 0) problems.push(...clusterProblems(config, env, disk));
  if (problems.length > 0) throw new ConfigError(problems, `messenger-operator ${command} --help shows the flags`);
  // The record was filled from the very table that ConfigOf is derived from.
  return { kind: 'run', command, config, args: read.positionals } as unknown as Invocation;
}

type Valued = { readonly value: unknown } | { readonly problem: string };

function valueOf(spec: Flag<unknown>, given: Given | undefined, fallback: string | undefined, disk: Disk): Valued {
  const text = given?.text ?? fallback;
  if (text === undefined) return { value: undefined };
  const source = given?.source ?? `--${spec.name}`;
  const parsed = spec.type.schema.safeParse(text);
  if (!parsed.success) return { problem: `${source} must be ${wanted(parsed.error.issues)}, not ${shown(text)}` };
  if (spec.notYet === true && text !== fallback) return { problem: `${source} is not in this version` };
  return diskProblem(spec, source, text, disk) ?? { value: parsed.data };
}

function wanted(issues: readonly { readonly message: string }[]): string {
  return issues.map(({ message }) => message).join(', ');
}

function diskProblem({ type }: Flag<unknown>, source: string, path: string, disk: Disk): Valued | undefined {
  if (type.onDisk === 'file' && !disk.readable(path)) return { problem: `${source}: there is no file ${shown(path)} that can be read` };
  if (type.onDisk === 'directory' && !disk.isDirectory(path)) return { problem: `${source}: there is no folder ${shown(path)}` };
  return undefined;
}

function positionalProblems(command: CommandName, positionals: readonly string[]): readonly string[] {
  const { min, max, what } = COMMAND_HELP[command].args;
  if (positionals.length < min) return [`${command} needs ${what}`];
  if (positionals.length <= max) return [];
  return [`${command} takes ${max === 0 ? 'flags only' : what}; ${shown(positionals[max] ?? '')} is one too many`];
}

function commandNamed(word: string): CommandName {
  const command = COMMANDS.find((name) => name === word);
  if (command !== undefined) return command;
  throw new ConfigError([`${shown(word)} is not a command${didYouMean(word, COMMANDS)}`], 'messenger-operator --help shows the commands');
}

const NO_CLUSTER =
  'there is no API server to talk to: this is not a Pod of a cluster, and neither --kubeconfig nor $KUBECONFIG names a kubeconfig file';

/**
 * Fills in the default of `--kubeconfig`; it stays undefined in a Pod, whose ServiceAccount is
 * used.
 */
function clusterProblems(config: Record<string, unknown>, env: Environment, disk: Disk): readonly string[] {
  const inPod = env['KUBERNETES_SERVICE_HOST'] !== undefined;
  if (!('kubeconfig' in config) || config['kubeconfig'] !== undefined || inPod) return [];
  const named = (env['KUBECONFIG'] ?? '').split(delimiter).filter((path) => path !== '');
  config['kubeconfig'] = [...named, join(homedir(), '.kube', 'config')].find((path) => disk.readable(path));
  const needed = config['kubeconfig'] === undefined && (config['stateDir'] ?? '') === '';
  return needed ? [NO_CLUSTER] : [];
}

/** A value in a message: bounded, and without the password of a URL. */
function shown(text: string): string {
  return JSON.stringify(text.replace(/\/\/[^/@]*@/, '//…@').slice(0, 200));
}

const realDisk: Disk = {
  readable: (path) => {
    try {
      accessSync(path, constants.R_OK);
      return statSync(path).isFile() || statSync(path).isFIFO();
    } catch {
      return false;
    }
  },
  isDirectory: (path) => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true,
};
