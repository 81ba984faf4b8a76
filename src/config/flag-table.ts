import type { CommandName, Flag } from './flag.js';
import { COMMON_FLAGS } from './flags/common.js';
import { CONTROLLER_FLAGS } from './flags/controller.js';
import { PAGES_API_FLAGS } from './flags/pages-api.js';
import { RELEASE_FLAGS } from './flags/release.js';
import { TOOL_FLAGS } from './flags/tools.js';
import { WEBHOOK_FLAGS } from './flags/webhook.js';

/**
 * Every flag there is, by the property of the configuration that it sets. Parsing, help and docs
 * are made from it.
 */
export const FLAGS = { ...COMMON_FLAGS, ...CONTROLLER_FLAGS, ...WEBHOOK_FLAGS, ...PAGES_API_FLAGS, ...RELEASE_FLAGS, ...TOOL_FLAGS };

type Flags = typeof FLAGS;
type ValueOf<F> = F extends Flag<infer T> ? T : never;
type CommandsOf<F> = F extends Flag<unknown, infer C> ? C : never;

/**
 * What a command runs with: the values of its flags. Units stand in the names (`…Ms`, `…Bytes`). No
 * secrets: these are in files.
 */
export type ConfigOf<C extends CommandName> = {
  readonly [K in keyof Flags as C extends CommandsOf<Flags[K]> ? K : never]: ValueOf<Flags[K]>;
};

/** The flags of one command, in the order of the table, with the property that each sets. */
export function flagsOf(command: CommandName): readonly (readonly [string, Flag<unknown>])[] {
  return Object.entries<Flag<unknown>>(FLAGS as Record<string, Flag<unknown>>).filter(([, spec]) => spec.commands.includes(command));
}
