import { readFileSync } from 'node:fs';

/** A command of a page of the documentation, as a reader would paste it. */
export interface DocumentedCommand {
  readonly file: string;
  readonly line: number;
  readonly text: string;
}

const PROGRAMS = /^(?:helm|kubectl|openssl|messenger-operator|make|npm|node) /;

/**
 * The commands of a page in their order: what stands in its `sh` blocks, or for YAML what stands
 * indented in its comments.
 */
export function documentedCommands(file: string): readonly DocumentedCommand[] {
  const lines = readFileSync(file, 'utf8').split('\n');
  return grouped(file, file.endsWith('.md') ? linesOfBlocks(lines) : linesOfComments(lines));
}

interface Line {
  readonly number: number;
  readonly text: string;
}

function linesOfBlocks(lines: readonly string[]): readonly Line[] {
  let inside = false;
  return lines.flatMap((text, index) => {
    const fence = /^\s*```(\w*)/.exec(text);
    if (fence !== null) inside = !inside && fence[1] === 'sh';
    return fence === null && inside ? [{ number: index + 1, text }] : [];
  });
}

function linesOfComments(lines: readonly string[]): readonly Line[] {
  return lines.flatMap((line, index) => {
    const text = /^# {2,}(\S.*)$/.exec(line)?.[1];
    return text === undefined ? [] : [{ number: index + 1, text }];
  });
}

/**
 * Joins what a shell reads as one command: lines that end with a backslash, and documents after
 * `<<WORD`.
 */
function grouped(file: string, lines: readonly Line[]): readonly DocumentedCommand[] {
  const commands: DocumentedCommand[] = [];
  let open: { readonly line: number; readonly lines: string[] } | undefined;
  for (const { number, text } of lines) {
    if (open === undefined && !PROGRAMS.test(text)) continue;
    open ??= { line: number, lines: [] };
    open.lines.push(text);
    if (isOpen(open.lines)) continue;
    commands.push({ file, line: open.line, text: open.lines.join('\n') });
    open = undefined;
  }
  if (open !== undefined) throw new Error(`${file}:${open.line}: the command has no end`);
  return commands;
}

function isOpen(lines: readonly string[]): boolean {
  const last = lines.at(-1) ?? '';
  const word = /<<'?(\w+)'?/.exec(lines[0] ?? '')?.[1];
  return word === undefined ? last.endsWith('\\') : last !== word;
}
