import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { COMMANDS, fallbackFor, GROUPS } from '../../../src/config/flag.js';
import { flagsOf } from '../../../src/config/flag-table.js';
import { commandHelp } from '../../../src/config/help.js';
import { configReference } from '../../../src/config/reference.js';

describe('the table of flags', () => {
  it.each(COMMANDS)('gives %s flags with one name each and defaults that are valid themselves', (command) => {
    const flags = flagsOf(command).map(([, spec]) => spec);
    const names = flags.flatMap(({ name, short }) => (short === undefined ? [name] : [name, short]));
    expect(new Set(names).size).toBe(names.length);
    for (const spec of flags) {
      const fallback = fallbackFor(spec, command);
      if (fallback !== undefined) expect({ name: spec.name, ...spec.type.schema.safeParse(fallback) }).toMatchObject({ success: true });
      expect(GROUPS).toContain(spec.group);
    }
  });

  it.each(COMMANDS)('shows every flag of %s in its help, in lines that fit a terminal', (command) => {
    const help = commandHelp(command);
    for (const [, spec] of flagsOf(command)) expect(help).toContain(`--${spec.name}`);
    for (const line of help.split('\n')) expect(line.length).toBeLessThanOrEqual(150);
  });

  it('is what docs/reference/config.md says', () => {
    expect(readFileSync('docs/reference/config.md', 'utf8')).toBe(configReference());
  });
});
