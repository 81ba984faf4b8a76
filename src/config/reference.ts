import { COMMAND_HELP } from './commands.js';
import { COMMANDS, type CommandName, type Flag, GROUPS, variableOf } from './flag.js';
import { FLAGS } from './flag-table.js';

/** `docs/reference/config.md`: every flag, its variable, default, bounds and commands. */
export function configReference(): string {
  const flags = Object.values(FLAGS as Record<string, Flag<unknown>>);
  const sections = GROUPS.flatMap((group) => {
    const rows = flags.filter((spec) => spec.group === group).map(row);
    return [
      '',
      `## ${group}`,
      '',
      '| flag | variable | default | bounds | commands | what it does |',
      '| --- | --- | --- | --- | --- | --- |',
      ...rows,
    ];
  });
  return [
    '<!-- Generated from src/config by `npm run generate`. Do not edit. -->',
    '',
    '# Flags and variables',
    '',
    'You can also set every flag as an environment variable. A flag overrides a variable, and a variable overrides the default. If the',
    'configuration is invalid, one message lists every problem, and the exit code is 2.',
    '',
    '| command | what it does |',
    '| --- | --- |',
    ...COMMANDS.map((name) => `| \`${name}\` | ${COMMAND_HELP[name].summary} |`),
    ...sections,
    '',
  ].join('\n');
}

function row(spec: Flag<unknown>): string {
  const { name, short, type, commands, about } = spec;
  const flag = `\`${short === undefined ? '' : `-${short}, `}--${name}${type.placeholder === undefined ? '' : ` ${type.placeholder}`}\``;
  const cells = [flag, `\`${variableOf(name)}\``, defaults(spec), type.range, commandList(commands), about];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

function defaults({ fallback, fallbackOf }: Flag<unknown>): string {
  const others = Object.entries(fallbackOf ?? {}).map(([command, value]) => `${value === '' ? 'none' : `\`${value}\``} (${command})`);
  const main = fallback === undefined || fallback === '' ? '' : `\`${fallback}\``;
  return [main, ...others].filter((part) => part !== '').join(', ');
}

function commandList(commands: readonly CommandName[]): string {
  return commands.map((name) => `\`${name}\``).join(', ');
}
