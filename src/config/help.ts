import { COMMAND_HELP } from './commands.js';
import { COMMANDS, type CommandName, fallbackFor, type Flag, GROUPS } from './flag.js';
import { flagsOf } from './flag-table.js';
import { SIMULATOR_USAGE } from './simulator-usage.js';

const PROGRAM = 'messenger-operator';
const WIDTH = 110;
const INDENT = 34;

/** `messenger-operator --help` */
export function programHelp(): string {
  const width = Math.max(...COMMANDS.map((name) => name.length)) + 2;
  return [
    `Usage: ${PROGRAM} COMMAND [flags]`,
    '',
    'Runs many Facebook Messenger Pages from one Facebook App.',
    '',
    'Commands:',
    ...COMMANDS.map((name) => `  ${name.padEnd(width)}${COMMAND_HELP[name].summary}`),
    '',
    `${PROGRAM} COMMAND --help shows the flags of a command, --version shows the version.`,
    '',
  ].join('\n');
}

/** `messenger-operator COMMAND --help`, from the table of flags. */
export function commandHelp(command: CommandName): string {
  const { usage, about, examples } = COMMAND_HELP[command];
  const flags = flagsOf(command).map(([, spec]) => spec);
  const sections = GROUPS.flatMap((group) => {
    const members = flags.filter((spec) => spec.group === group);
    return members.length === 0 ? [] : ['', `${group}:`, ...members.flatMap((spec) => flagLines(spec, command))];
  });
  return [
    `Usage: ${PROGRAM} ${usage}`,
    '',
    about,
    ...(command === 'simulator' ? verbLines() : []),
    ...sections,
    '',
    'Examples:',
    ...examples.flatMap(([what, line]) => [`  # ${what}`, `  ${PROGRAM} ${line}`]),
    '',
    'You can also set each flag as a variable: --log-level is MESSENGER_LOG_LEVEL. A flag overrides a variable.',
    'Durations: 500ms, 30s, 10m, 1h30m. Sizes: 512KiB, 8MiB. Exit codes: 0 clean stop, 1 failure at run time, 2 invalid configuration.',
    '',
  ].join('\n');
}

function verbLines(): readonly string[] {
  return ['', 'Verbs:', ...Object.values(SIMULATOR_USAGE).flatMap(({ usage, about }) => entryLines(`  ${usage}`, about))];
}

function flagLines(spec: Flag<unknown>, command: CommandName): readonly string[] {
  const short = spec.short === undefined ? '    ' : `-${spec.short}, `;
  const head = `  ${short}--${spec.name}${spec.type.placeholder === undefined ? '' : ` ${spec.type.placeholder}`}`;
  const fallback = fallbackFor(spec, command);
  const shown = fallback === undefined || fallback === '' || fallback === 'false' ? '' : ` (default ${fallback})`;
  return entryLines(head, `${spec.about}${shown}`);
}

function entryLines(head: string, about: string): readonly string[] {
  const lines = wrap(about, WIDTH - INDENT);
  const first = head.length < INDENT - 1 ? [`${head.padEnd(INDENT)}${lines.shift() ?? ''}`] : [head];
  return [...first, ...lines.map((line) => ' '.repeat(INDENT) + line)];
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
