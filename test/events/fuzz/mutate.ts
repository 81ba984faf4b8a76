import type { Random } from './random.js';
import { unknownMember } from './shapes.js';

type Mutation = (text: string, random: Random) => string;

const TOKENS = [
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '"',
  'null',
  '1e',
  '-',
  '\\u12',
  '\\',
  '\0',
  '\xef\xbb\xbf',
  '\xff',
  '\x85',
  '\xa0',
  '//',
  '"entry":[]',
  "'",
] as const;

/** These leave JSON what it is. */
const GENTLE: readonly [Mutation, ...Mutation[]] = [
  (text, random) => afterSome(text, '{', random, `${unknownMember(random)},`),
  (text, random) => afterSome(text, '{', random, `"id":${random.pick(['"104500000000002"', '104500000000001', 'null', '{}'])},`),
  (text, random) => afterSome(text, '{', random, `"messaging":${random.pick(['[]', '[{}]', '7', '[[],[]]'])},`),
  (text, random) => afterSome(text, ',', random, random.pick([' ', '\n', '\r\n\t', ' '.repeat(300)])),
  (text) => text.replace(/}$/, ',"object":"page"}'),
  (text, random) => `${' '.repeat(random.int(4))}${text}\n`,
  (text, random) => afterSome(text, '[', random, random.pick(['null,', '"x",', '{},'])),
];

/** These mostly break it. */
const ROUGH: readonly [Mutation, ...Mutation[]] = [
  (text, random) => splice(text, random.int(text.length), 1, String.fromCharCode(random.int(256))),
  (text, random) => splice(text, random.int(text.length), random.int(20), ''),
  (text, random) => splice(text, random.int(text.length), 0, random.pick(TOKENS)),
  (text, random) => text.slice(0, random.int(text.length)),
  (text, random) => {
    const at = random.int(text.length);
    return splice(text, at, 0, text.slice(at, at + random.int(200)));
  },
  (text, random) => {
    const depth = random.pick([200, 300, 2_000, 50_000]);
    return splice(text, random.int(text.length), 0, `${'['.repeat(depth)}${']'.repeat(depth)},`);
  },
  (text, random) => afterSome(text, ':', random, `${'{"a":'.repeat(300)}1${'}'.repeat(300)}`),
  (text, random) => afterSome(text, '"', random, 'x'.repeat(random.int(5_000))),
  (text, random) => text.replaceAll(random.pick(['"page"', '"id"', '"entry"', 'messaging']), random.pick(['"page"', '"id"', '""', '7'])),
  (_text, random) =>
    random.pick(['', 'null', '[]', '{}', '0', '"x"', '{"object":"page"}', '{"object":"page","entry":[]}', '\0', '{"entry":{}}']),
];

export function mutated(text: string, random: Random): string {
  let changed = text;
  for (let i = random.int(3); i >= 0; i--) changed = random.pick(random.chance(65) ? GENTLE : ROUGH)(changed, random);
  return changed;
}

function afterSome(text: string, what: string, random: Random, insert: string): string {
  const at = text.indexOf(what, random.int(Math.max(1, text.length)));
  return at < 0 ? text : splice(text, at + 1, 0, insert);
}

function splice(text: string, at: number, remove: number, insert: string): string {
  return text.slice(0, at) + insert + text.slice(at + remove);
}
