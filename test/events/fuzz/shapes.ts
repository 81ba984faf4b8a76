import type { Random } from './random.js';

/** Pages that the table of the fuzz knows, and some that it does not. */
export const KNOWN_PAGES = ['104500000000001', '104500000000002', '98765432109876543'] as const;
const OTHER_PAGES = ['104500000000009', '7', '"', '1.045e14', '00104500000000001'] as const;
const TEXTS = [
  'hello',
  'Gr\\u00fc\\u00dfe \\ud83d\\ude00',
  'lone \\ud83d surrogate',
  'lone \\ude00 one',
  'nul \\u0000 and \\/ slash',
  'quotes \\" and \\\\',
  'raw \xc3\xa4\xf0\x9f\x98\x80',
  'not utf-8 \xff\xfe\xc3',
  '<b>\\u003C\\u0040',
  '],"entry":[{"id":"104500000000001"}]}',
] as const;
const NUMBERS = ['1763856000000', '1.0', '-0', '1e400', '-1E-400', '123456789012345678901234567890', '0.10', '9007199254740993'] as const;

/**
 * A POST in Meta's form, with everything in it that RFC 8259 and Meta permit and people do not
 * expect.
 */
export function aPost(random: Random, pages: readonly [string, ...string[]] = KNOWN_PAGES): string {
  const entries = Array.from({ length: random.chance(60) ? 1 : random.int(12) }, () => anEntry(random, pages));
  const members = [member(random, 'object', object(random)), member(random, 'entry', `[${entries.join(comma(random))}]`)];
  if (random.chance(15)) members.push(unknownMember(random));
  if (random.chance(10)) members.reverse();
  return `{${members.join(comma(random))}}`;
}

function object(random: Random): string {
  return random.chance(95) ? '"page"' : random.pick(['"instagram"', '"user"', '7', 'null', '"p\\u0061ge"']);
}

function anEntry(random: Random, pages: readonly [string, ...string[]]): string {
  if (random.chance(2)) return random.pick(['null', '7', '"entry"', '[]', '{}']);
  const page = random.chance(90) ? random.pick(pages) : random.pick(OTHER_PAGES);
  const id = random.chance(80) || !/^\d+$/.test(page) ? JSON.stringify(page) : page;
  const members = [member(random, 'id', id), member(random, 'time', random.chance(80) ? '1763856000123' : random.pick(NUMBERS))];
  const lists = random.chance(80) ? 1 : random.int(4);
  for (let i = 0; i < lists; i++) members.push(aList(random, page));
  if (random.chance(15)) members.push(unknownMember(random));
  if (random.chance(10)) members.reverse();
  return `{${members.join(comma(random))}}`;
}

function aList(random: Random, page: string): string {
  const channel = random.pick(['messaging', 'messaging', 'messaging', 'standby', 'changes']);
  const count = random.chance(70) ? 1 : random.int(6);
  const items = Array.from({ length: count }, () => (channel === 'changes' ? aChange(random) : anEvent(random, page)));
  const value = random.chance(3) ? random.pick(['null', '{}', '"x"', '0']) : `[${items.join(comma(random))}]`;
  return member(random, channel, value);
}

function anEvent(random: Random, page: string): string {
  if (random.chance(2)) return random.pick(['null', '5', '"x"', '[]', '{}']);
  const user = random.chance(70) ? random.pick(['71', '72', '73']) : random.digits(17);
  const members = [
    member(random, 'sender', `{"id":${random.chance(80) ? `"${user}"` : user}}`),
    member(random, 'recipient', `{"id":${JSON.stringify(page)}}`),
    member(random, 'timestamp', random.pick(NUMBERS)),
    content(random),
  ];
  if (random.chance(10)) members.splice(random.int(2), 1);
  if (random.chance(20)) members.push(unknownMember(random));
  return `{${members.join(comma(random))}}`;
}

function content(random: Random): string {
  const mid = `"m_${random.digits(40)}"`;
  const text = `"${random.pick(TEXTS)}"`;
  switch (random.int(7)) {
    case 0:
      return member(random, 'message', `{"mid":${mid},"is_echo":true,"app_id":1517776481860111,"text":${text}}`);
    case 1:
      return member(random, 'postback', `{"mid":${mid},"payload":${text},"title":${text}}`);
    case 2:
      return member(random, 'reaction', `{"reaction":"love","emoji":"\\u2764","action":"react","mid":${mid}}`);
    case 3:
      return member(random, 'read', `{"watermark":${random.pick(NUMBERS)}}`);
    case 4:
      return member(random, 'message', `{"mid":${mid},"attachments":[{"type":"image","payload":{"url":"https:\\/\\/x\\/y?z=1&amp;"}}]}`);
    default:
      return member(random, 'message', `{"mid":${mid},"text":${text}}`);
  }
}

function aChange(random: Random): string {
  return `{"field":"feed","value":{"item":"post","post_id":${random.digits(30)},"message":"${random.pick(TEXTS)}","x":${random.pick(NUMBERS)}}}`;
}

export function unknownMember(random: Random): string {
  return random.pick([
    '"__proto__":{"polluted":true}',
    '"constructor":{"prototype":{"polluted":true}}',
    '"hop_context":[{"app_id":1,"metadata":null}]',
    `"calls":[{"id":"c_${random.digits(9)}","from":"${random.digits(17)}","event":"connect","timestamp":1671644824}]`,
    '"":0',
    `"deep":${'['.repeat(40)}${']'.repeat(40)}`,
    `"${random.digits(5)}":${random.pick(NUMBERS)}`,
  ]);
}

function member(random: Random, key: string, value: string): string {
  const name = random.chance(2) ? `\\u00${key.charCodeAt(0).toString(16)}${key.slice(1)}` : key;
  return random.chance(95) ? `"${name}":${value}` : `"${name}" :\n\t${value} `;
}

function comma(random: Random): string {
  return random.chance(95) ? ',' : random.pick([' , ', ',\r\n', '\t,']);
}
