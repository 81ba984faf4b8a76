import fc from 'fast-check';
import { answer } from './answers.js';

/** An answer to be read, its bytes as characters, and how they come. */
export interface Case {
  readonly text: string;
  /** Nothing in it was spoiled, and nothing comes behind it. */
  readonly isValid: boolean;
  /** The bot ends its side behind it. */
  readonly thenEnd: boolean;
  /** Where the pieces end, as parts of the whole. */
  readonly cuts: readonly number[];
}

const status = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(200, 201, 204, 304, 400, 404, 413, 500, 503) },
  { weight: 1, arbitrary: fc.integer({ min: 200, max: 999 }) },
);
const reason = fc.constantFrom(' OK', ' ', '', ' Not Found', ' \xe9\xff', ' a\tb', ' 200 HTTP/1.1');
const data = fc.oneof(
  fc.string({ unit: fc.constantFrom('a', '0', '\r', '\n', ':', '\xff', '\0'), maxLength: 20 }),
  fc.constantFrom('', answer(['HTTP/1.1 200 OK', 'Content-Length: 0']), '0\r\n\r\n', '\r\n\r\n', 'x'.repeat(300)),
);
const header = fc.constantFrom(
  'Connection: close',
  'Connection: keep-alive',
  'connection: x, CLOSE',
  'CONNECTION:keep-alive , x',
  'Connection:',
  'Keep-Alive: timeout=5',
  'Content-Type: text/html; charset=utf-8',
  'X-A: \t',
  'X-A:\xff',
  'Upgrade: websocket',
  'Trailer: X-B',
  'Content-Lengthy: 9',
  'X-Transfer-Encoding: chunked',
);
/** Nearly headers, or ones that should not be there. */
const trap = fc.constantFrom(
  'Content-Length: 0',
  'Content-Length: 3',
  'Content-Length: +3',
  'Content-Length: 3, 3',
  'Content-Length: 0x3',
  'Content-Length:',
  'Content-Length : 3',
  'Transfer-Encoding: chunked',
  'Transfer-Encoding: gzip, chunked',
  'Transfer-Encoding: chunked, identity',
  'Transfer-Encoding:',
  'Transfer-Encoding : chunked',
  ' folded',
  '\tfolded: x',
  ': x',
  'X',
  'X-A: a\0b',
  'X-A: a\rb',
  'X-A: a\nContent-Length: 3',
  'X A: b',
  'Connection: upgrade',
);

const chunk = fc.record({
  data: data.filter((text) => text.length > 0),
  extension: fc.constantFrom('', '', '', ';a', ';a=b', ';a="b;c"', ';a="\\""'),
  zeros: fc.constantFrom('', '', '0', '000'),
});

function chunksOf(chunks: readonly { data: string; extension: string; zeros: string }[], trailers: readonly string[]): string {
  const lines = chunks.map((one) => `${one.zeros}${one.data.length.toString(16)}${one.extension}\r\n${one.data}\r\n`);
  return `${lines.join('')}0\r\n${trailers.map((line) => `${line}\r\n`).join('')}\r\n`;
}

type Framing = { readonly headers: readonly string[]; readonly body: string; readonly endsItself: boolean };

const framing: fc.Arbitrary<Framing> = fc.oneof(
  data.map((body) => ({ headers: [`Content-Length: ${body.length}`], body, endsItself: true })),
  fc
    .tuple(fc.array(chunk, { maxLength: 3 }), fc.array(fc.constantFrom('X-B: c', 'Expires:', 'Content-Lengthy: 5'), { maxLength: 2 }))
    .map(([chunks, trailers]) => ({ headers: ['Transfer-Encoding: chunked'], body: chunksOf(chunks, trailers), endsItself: true })),
  data.map((body) => ({ headers: [], body, endsItself: false })),
);

const interim = fc.constantFrom(
  answer(['HTTP/1.1 100 Continue']),
  answer(['HTTP/1.1 103 Early Hints', 'Link: </a>']),
  answer(['HTTP/1.1 102 P', 'Content-Length: 4']),
);

const whole = fc
  .record({
    before: fc.oneof({ weight: 4, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: fc.array(interim, { maxLength: 2 }) }),
    version: fc.oneof({ weight: 5, arbitrary: fc.constant('1.1') }, { weight: 1, arbitrary: fc.constant('1.0') }),
    status,
    reason,
    framing,
    headers: fc.array(header, { maxLength: 3 }),
    at: fc.nat(3),
  })
  .map(({ before, version, framing: { headers: framed, body, endsItself }, headers, at, ...line }) => {
    const bodiless = line.status === 204 || line.status === 304;
    const fields = [...headers.slice(0, at), ...(bodiless ? [] : framed), ...headers.slice(at)];
    const text = before.join('') + answer([`HTTP/${version} ${line.status}${line.reason}`, ...fields], bodiless ? '' : body);
    // HTTP/1.0 knows no chunks.
    return { text, isValid: version === '1.1' || !framed.includes('Transfer-Encoding: chunked'), endsItself: endsItself || bodiless };
  });

const NASTY = [
  '\r',
  '\n',
  '\r\n',
  '\r\n\r\n',
  '\0',
  ' ',
  '\t',
  ':',
  ';',
  ',',
  '"',
  '=',
  '-',
  '+',
  '0',
  '1',
  '9',
  'f',
  'x',
  '\x7f',
  '\xff',
  'HTTP/1.1 200 OK\r\n',
  '0\r\n\r\n',
];

interface Damage {
  readonly kind: 'header' | 'insert' | 'replace' | 'delete' | 'cut';
  readonly text: string;
  /** A part of the whole. */
  readonly at: number;
  /** At the next line end, where the framing is. */
  readonly atLineEnd: boolean;
}

const DAMAGES: readonly (readonly [kind: Damage['kind'], texts: fc.Arbitrary<string>])[] = [
  ['header', trap],
  ['insert', fc.constantFrom(...NASTY)],
  ['replace', fc.constantFrom(...NASTY)],
  ['delete', fc.constantFrom('x', 'xx', 'x'.repeat(9))],
  ['cut', fc.constant('')],
];
/** `fc.double` would hardly leave zero. */
const part = fc.nat(10_000).map((n) => n / 10_000);
const damage: fc.Arbitrary<Damage> = fc.oneof(
  ...DAMAGES.map(([kind, text]) => fc.record({ kind: fc.constant(kind), text, at: part, atLineEnd: fc.boolean() })),
);

/** A header comes behind the line that is there. */
function damaged(text: string, { kind, text: bad, at, atLineEnd }: Damage): string {
  const anywhere = Math.floor(at * text.length);
  const offset = atLineEnd ? Math.max(text.indexOf('\r', anywhere), 0) : anywhere;
  if (kind === 'header') {
    const lineEnd = text.lastIndexOf('\r\n', offset);
    const behind = lineEnd < 0 ? text.indexOf('\r\n') : lineEnd;
    return `${text.slice(0, behind)}\r\n${bad}${text.slice(behind)}`;
  }
  if (kind === 'cut') return text.slice(0, offset);
  const taken = kind === 'insert' ? 0 : kind === 'replace' ? 1 : bad.length;
  return text.slice(0, offset) + (kind === 'delete' ? '' : bad) + text.slice(offset + taken);
}

/** Half of them valid; the others with up to three damages, or with something behind. */
export const anyCase: fc.Arbitrary<Case> = fc
  .record({
    whole,
    damages: fc.oneof(fc.constant<Damage[]>([]), fc.array(damage, { minLength: 1, maxLength: 3 })),
    behind: fc.oneof(
      { weight: 4, arbitrary: fc.constant('') },
      { weight: 1, arbitrary: fc.constantFrom('\r\n', 'x', '\0', '0\r\n\r\n', answer(['HTTP/1.1 500 X', 'Content-Length: 0'])) },
    ),
    ends: fc.boolean(),
    cuts: fc.array(part, { maxLength: 6 }),
  })
  .map(({ whole: { text, isValid, endsItself }, damages, behind, ends, cuts }) => ({
    text: damages.reduce<string>(damaged, text) + behind,
    isValid: isValid && damages.length === 0 && (behind === '' || !endsItself),
    thenEnd: ends || !endsItself,
    cuts: [...cuts].sort((a, b) => a - b),
  }));
