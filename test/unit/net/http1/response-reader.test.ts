import { describe, expect, it } from '@jest/globals';
import { MAX_ANSWER_BYTES, MAX_HEAD_BYTES, ResponseReader } from '../../../../src/net/http1/response-reader.js';
import { answer, bytesOf, chunked, endOf, readCut, type Reading } from './answers.js';

const OK = 'HTTP/1.1 200 OK';
const EMPTY = 'Content-Length: 0';

const AGAIN: Reading = { progress: 'done', status: 200, again: true, idleSeconds: undefined };
const LAST: Reading = { ...AGAIN, again: false };
const BROKEN: Reading = { progress: 'broken', status: undefined, again: false, idleSeconds: undefined };
const BROKEN_BODY: Reading = { ...BROKEN, status: 200 };
const TOO_LONG: Reading = { ...BROKEN_BODY, progress: 'too_long' };
const UNENDED: Reading = { ...BROKEN_BODY, progress: 'reading' };

type Row = readonly [name: string, bytes: string, expected: Reading];

/** The bot leaves its side open. */
const OPEN: readonly Row[] = [
  ['a body of a known length', answer([OK, 'Content-Length: 5'], 'hello'), AGAIN],
  ['no body', answer([OK, EMPTY]), AGAIN],
  ['a length with blanks and zeros around it', answer([OK, 'content-length: \t002  '], 'ab'), AGAIN],
  ['a body of which a byte is missing', answer([OK, 'Content-Length: 5'], 'hell'), { ...UNENDED, again: false }],
  ['a body that looks like an answer', answer([OK, 'Content-Length: 38'], answer(['HTTP/1.1 500 NO', EMPTY])), AGAIN],
  ['a head that is not whole', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n', { ...UNENDED, status: undefined }],
  ['chunks', chunked('5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n'), AGAIN],
  ['chunks in capitals', answer([OK, 'TRANSFER-ENCODING:\tChunked '], 'A\r\n0123456789\r\n0\r\n\r\n'), AGAIN],
  ['a chunk whose data look like framing', chunked('7\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n'), AGAIN],
  ['chunk sizes with zeros before them', chunked('00000002\r\nab\r\n00000000\r\n\r\n'), AGAIN],
  ['chunk extensions', chunked('2;a\r\nab\r\n1;b=c;d="e;\\" f"\r\nx\r\n0;z\r\n\r\n'), AGAIN],
  ['trailers', chunked('1\r\nx\r\n0\r\nExpires: now\r\nContent-Lengthy: 7\r\nX:\r\n\r\n'), AGAIN],
  ['chunks that have not ended', chunked('1\r\nx\r\n0\r\n'), UNENDED],
  ['204', answer(['HTTP/1.1 204 No Content']), { ...AGAIN, status: 204 }],
  ['204 of length zero', answer(['HTTP/1.1 204 No Content', EMPTY]), { ...AGAIN, status: 204 }],
  ['304', answer(['HTTP/1.1 304 Not Modified', 'ETag: "1"']), { ...AGAIN, status: 304 }],
  ['204 that names a length: whether that comes nobody knows', answer(['HTTP/1.1 204 N', 'Content-Length: 5']), { ...LAST, status: 204 }],
  ['304 that names a length', answer(['HTTP/1.1 304 N', 'Content-Length: 5']), { ...LAST, status: 304 }],
  ['204 that names chunks', answer(['HTTP/1.1 204 N', 'Transfer-Encoding: chunked']), { ...LAST, status: 204 }],
  ['204 with a body', answer(['HTTP/1.1 204 N', 'Content-Length: 5'], 'hello'), { ...LAST, status: 204 }],
  ['HTTP/1.0', answer(['HTTP/1.0 200 OK', EMPTY]), LAST],
  ['HTTP/1.0 that stays', answer(['HTTP/1.0 200 OK', EMPTY, 'Connection: x, Keep-Alive']), AGAIN],
  ['HTTP/1.0 that stays and closes', answer(['HTTP/1.0 200 OK', EMPTY, 'Connection: keep-alive', 'Connection: close']), LAST],
  ['an answer that closes', answer([OK, EMPTY, 'Connection: close']), LAST],
  ['an answer that closes, in a list', answer([OK, EMPTY, 'connection: x ,\tCLOSE , y']), LAST],
  ['an answer that closes, in a second header', answer([OK, EMPTY, 'Connection: keep-alive', 'Connection: close']), LAST],
  ['an answer that does not close closely', answer([OK, EMPTY, 'Connection: closed, not-close']), AGAIN],
  ['a body until the end, which has not come', answer([OK], 'hello'), UNENDED],
  ['a continuation before it', answer(['HTTP/1.1 100 Continue'], answer([OK, EMPTY])), AGAIN],
  [
    'interim answers with headers of their own',
    answer(
      ['HTTP/1.1 103 Early', 'Content-Length: 9', 'Connection: close', 'Keep-Alive: timeout=1'],
      answer(['HTTP/1.1 102 P'], answer([OK, EMPTY])),
    ),
    AGAIN,
  ],
  ['an interim answer alone', answer(['HTTP/1.1 100 Continue']), { ...UNENDED, status: undefined }],
  ['obs-text in the reason and in a header', answer(['HTTP/1.1 200 \xc3\xa9t\xe9', 'X: \xff\t\x80', EMPTY]), AGAIN],
  ['no reason', answer(['HTTP/1.1 200 ', EMPTY]), AGAIN],
  ['no reason and no blank', answer(['HTTP/1.1 200', EMPTY]), AGAIN],
  ['a status that nobody knows', answer(['HTTP/1.1 999 ?', EMPTY]), { ...AGAIN, status: 999 }],
  ['a hint', answer([OK, EMPTY, 'Keep-Alive: timeout=5, max=100']), { ...AGAIN, idleSeconds: 5 }],
  ['a hint behind another', answer([OK, EMPTY, 'keep-alive: max=1;\ttimeout = 60']), { ...AGAIN, idleSeconds: 60 }],
  ['a hint of nonsense', answer([OK, EMPTY, 'Keep-Alive: timeout=-5', 'Keep-Alive: xtimeout=3', 'Keep-Alive: timeout=1e3']), AGAIN],
  [
    'names that are as long as those that count',
    answer([OK, EMPTY, 'content-lengtj: 7', 'transfer-encodinx: gzip', 'connectiox: close']),
    AGAIN,
  ],

  ['a byte behind a body', answer([OK, 'Content-Length: 2'], 'abc'), LAST],
  ['a line behind a body', answer([OK, 'Content-Length: 2'], 'ab\r\n'), LAST],
  ['a second answer', answer([OK, EMPTY], answer([OK, EMPTY])), LAST],
  ['a byte behind chunks', chunked('0\r\n\r\n\r'), LAST],
  ['a second answer behind chunks', chunked(`1\r\nx\r\n0\r\n\r\n${answer([OK, EMPTY])}`), LAST],
  ['a byte behind 204', answer(['HTTP/1.1 204 N'], 'x'), { ...LAST, status: 204 }],

  ['two lengths', answer([OK, 'Content-Length: 1', 'Content-Length: 2'], 'ab'), BROKEN],
  ['the same length twice', answer([OK, EMPTY, EMPTY]), BROKEN],
  ['a list of lengths', answer([OK, 'Content-Length: 2, 2'], 'ab'), BROKEN],
  ['a length and chunks', answer([OK, 'Content-Length: 5', 'Transfer-Encoding: chunked'], '0\r\n\r\n'), BROKEN],
  ['chunks and a length', answer([OK, 'Transfer-Encoding: chunked', EMPTY], '0\r\n\r\n'), BROKEN],
  ...['-1', '+1', '0x1', '1e1', '1.0', '', '1 1', '1;', '1\t', '\xb2', '1000000000000000'].map((length): Row => [
    `a length of "${length}"`,
    answer([OK, `Content-Length: ${length}`], 'x'),
    BROKEN,
  ]),
  ...[
    'gzip',
    'gzip, chunked',
    'chunked, gzip',
    'chunked, chunked',
    'identity',
    '',
    'chunked;q=1',
    'xchunked',
    '"chunked"',
    'chunked,',
    'chunked\t',
  ].map((coding): Row => [`a transfer coding of "${coding}"`, answer([OK, `Transfer-Encoding: ${coding}`], '0\r\n\r\n'), BROKEN]),
  ['chunked twice', answer([OK, 'Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'], '0\r\n\r\n'), BROKEN],
  ['chunks in HTTP/1.0', answer(['HTTP/1.0 200 OK', 'Transfer-Encoding: chunked'], '0\r\n\r\n'), BROKEN],
  ['a folded line', answer([OK, 'X: a', ' Content-Length: 0']), BROKEN],
  ['a folded line, with a tab', answer([OK, 'Transfer-Encoding:', '\tchunked'], '0\r\n\r\n'), BROKEN],
  ['a blank before the first header', answer([OK, ' X: a', EMPTY]), BROKEN],
  ['a bare line feed', answer([OK, 'X: a\nContent-Length: 0']), BROKEN],
  ['a bare line feed behind the status line', answer([`${OK}\nX: a`, EMPTY]), BROKEN],
  ['a bare carriage return', answer([OK, 'X: a\rContent-Length: 0']), BROKEN],
  ['two carriage returns', answer([`${OK}\r`, EMPTY]), BROKEN],
  ['line feeds alone', 'HTTP/1.1 200 OK\nContent-Length: 0\n\n', { ...UNENDED, status: undefined }],
  ['a blank before the colon', answer([OK, 'Content-Length : 0']), BROKEN],
  ['a tab before the colon', answer([OK, 'Transfer-Encoding\t: chunked'], '0\r\n\r\n'), BROKEN],
  ['a header without a name', answer([OK, ': 0', EMPTY]), BROKEN],
  ['a header without a colon', answer([OK, 'Content-Length', EMPTY]), BROKEN],
  ['a name of more than ASCII', answer([OK, 'Content-L\xe9ngth: 0', EMPTY]), BROKEN],
  ['a name with a blank', answer([OK, 'X Y: 0', EMPTY]), BROKEN],
  ...['\0', '\x0b', '\x7f', '\x1b'].flatMap((char): Row[] => [
    [`byte ${char.charCodeAt(0)} in a header`, answer([OK, `X: a${char}b`, EMPTY]), BROKEN],
    [`byte ${char.charCodeAt(0)} in a length`, answer([OK, `Content-Length: 1${char}`], 'x'), BROKEN],
    [`byte ${char.charCodeAt(0)} in the reason`, answer([`HTTP/1.1 200 a${char}b`, EMPTY]), BROKEN],
  ]),
  ['101', answer(['HTTP/1.1 101 Switching Protocols', 'Upgrade: x', 'Connection: upgrade']), BROKEN],
  ['101 behind 100', answer(['HTTP/1.1 100 C'], answer(['HTTP/1.1 101 S'])), BROKEN],
  ...[
    '',
    'HTTP/1.1',
    'HTTP/1.1 ',
    'HTTP/1.1 20',
    'HTTP/1.1 2000 OK',
    'HTTP/1.1 20x',
    'HTTP/1.1 099 X',
    'HTTP/1.1 -20',
    'HTTP/1.1  200 OK',
    'HTTP/1.1\t200 OK',
    'HTTP/1.1 200\tOK',
    'HTTP/2 200',
    'HTTP/2.0 200 OK',
    'HTTP/0.9 200 OK',
    'HTTP/1.2 200 OK',
    'HTTP/1.10 200 OK',
    'HTTP/11 200 OK',
    'http/1.1 200 OK',
    ' HTTP/1.1 200 OK',
    '\r\nHTTP/1.1 200 OK',
    '\0HTTP/1.1 200 OK',
    'ICY 200 OK',
    'POST / HTTP/1.1',
    'SSH-2.0-OpenSSH_9.9',
    '<html>',
    'HTTP/1.1 200OK',
    'HTTP/1.1 \xb200 OK',
  ].map((line): Row => [`a status line of ${JSON.stringify(line)}`, answer([line, EMPTY]), BROKEN]),

  ...[
    '-1',
    '+1',
    '0x1',
    '1 ',
    ' 1',
    '',
    'g',
    '1g',
    '1,',
    '1.',
    '100000000000',
    '000000001',
    '1;a b',
    '1;"',
    '1;=b',
    '1;a="b',
    '1;;',
    '1 ;a',
    '1;\0',
    '1;a\rb',
    '\xb9',
  ].map((size): Row => [`a chunk size of ${JSON.stringify(size)}`, chunked(`${size}\r\nx\r\n0\r\n\r\n`), BROKEN_BODY]),
  ['no line end behind the data of a chunk', chunked('1\r\nx0\r\n\r\n'), BROKEN_BODY],
  ['more data than the chunk has', chunked('1\r\nxy\r\n0\r\n\r\n'), BROKEN_BODY],
  ['a bare line feed behind a chunk size', chunked('1\nx\r\n0\r\n\r\n'), BROKEN_BODY],
  ['a bare line feed behind the data of a chunk', chunked('1\r\nx\n0\r\n\r\n'), BROKEN_BODY],
  ['a bare line feed behind the last chunk', chunked('0\n\r\n'), BROKEN_BODY],
  ['a bare line feed in the end', chunked('0\r\n\n'), BROKEN_BODY],
  ['a bare carriage return behind the data', chunked('1\r\nx\r0\r\n\r\n'), BROKEN_BODY],
  ['a length as a trailer', chunked('0\r\nX: a\r\nContent-length: 5\r\n\r\nhello'), BROKEN_BODY],
  ['a transfer coding as a trailer', chunked('0\r\nTRANSFER-ENCODING: chunked\r\n\r\n0\r\n\r\n'), BROKEN_BODY],
  ['a trailer without a colon', chunked('0\r\nx\r\n\r\n'), BROKEN_BODY],
  ['a folded trailer', chunked('0\r\nX: a\r\n b\r\n\r\n'), BROKEN_BODY],
  ['an answer in the place of the trailers', chunked(`0\r\n${answer([OK, EMPTY])}`), BROKEN_BODY],
];

/** The bot ends its side behind these bytes. */
const ENDED: readonly Row[] = [
  ['a body until the end', answer([OK], 'hello'), LAST],
  ['no body until the end', answer([OK, 'Connection: keep-alive']), LAST],
  ['HTTP/1.0 until the end', answer(['HTTP/1.0 404 Not Found'], 'gone'), { ...LAST, status: 404 }],
  ['nothing', '', BROKEN],
  ['half a status line', 'HTTP/1.', BROKEN],
  ['half a head', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r', BROKEN],
  ['only an interim answer', answer(['HTTP/1.1 100 Continue']), BROKEN],
  ['half a body', answer([OK, 'Content-Length: 5'], 'he'), BROKEN_BODY],
  ['half a chunk', chunked('5\r\nhe'), BROKEN_BODY],
  ['chunks without their end', chunked('1\r\nx\r\n0\r\n'), BROKEN_BODY],
];

const FILLED_BODY = 'x'.repeat(MAX_ANSWER_BYTES);
/** Without its blank line. */
function headOf(bytes: number): string {
  const fixed = `${OK}\r\n${EMPTY}\r\nX: `;
  return `${fixed}${'y'.repeat(bytes - fixed.length)}`;
}
/** Interim answers of `bytes` together. */
function interim(bytes: number): string {
  const one = answer(['HTTP/1.1 102 P']);
  return one.repeat(Math.floor(bytes / one.length));
}

/** One chunk and the last, `bytes` with their framing. */
function chunkedOf(bytes: number): string {
  const data = bytes - '0000\r\n\r\n0\r\n\r\n'.length;
  return chunked(`${data.toString(16).padStart(4, '0')}\r\n${'x'.repeat(data)}\r\n0\r\n\r\n`);
}

/** Around the bounds. */
const LONG: readonly Row[] = [
  ['a body of 64 KiB', answer([OK, `Content-Length: ${MAX_ANSWER_BYTES}`], FILLED_BODY), AGAIN],
  ['a body of 64 KiB and a byte behind it', answer([OK, `Content-Length: ${MAX_ANSWER_BYTES}`], `${FILLED_BODY}x`), LAST],
  ['a body of a byte more', answer([OK, `Content-Length: ${MAX_ANSWER_BYTES + 1}`], `${FILLED_BODY}x`), TOO_LONG],
  ['a body without end', answer([OK], `${FILLED_BODY}x`), TOO_LONG],
  ['chunks of 64 KiB with their framing', chunkedOf(MAX_ANSWER_BYTES), AGAIN],
  ['chunks of a byte more', chunkedOf(MAX_ANSWER_BYTES + 1), TOO_LONG],
  ['a chunk that begins at the bound', chunked(`1;${'e'.repeat(MAX_ANSWER_BYTES)}\r\nx\r\n0\r\n\r\n`), TOO_LONG],
  ['a chunk of 4 GiB', chunked(`ffffffff\r\n${FILLED_BODY}`), TOO_LONG],
  ['trailers without end', chunked(`0\r\n${'A: b\r\n'.repeat(MAX_ANSWER_BYTES / 6 + 1)}`), TOO_LONG],
  ['a head of 16 KiB', `${headOf(MAX_HEAD_BYTES)}\r\n\r\n`, AGAIN],
  ['a head of a byte more', `${headOf(MAX_HEAD_BYTES + 1)}\r\n\r\n`, BROKEN],
  ['a head without end', headOf(MAX_HEAD_BYTES + 4), BROKEN],
  ['many short headers', answer([OK, EMPTY, ...Array.from({ length: 5_000 }, () => 'a:')].slice(0, 4_000)), AGAIN],
  ['interim answers of nearly 16 KiB', interim(MAX_HEAD_BYTES - 100) + answer([OK, EMPTY]), AGAIN],
  ['endless interim answers', interim(2 * MAX_HEAD_BYTES), BROKEN],
];

/** Where the bytes are cut in two: everywhere, or in a long one where something begins or ends. */
function placesToCut({ length }: Buffer): readonly number[] {
  const all = Array.from({ length: Math.max(0, length - 1) }, (_, i) => i + 1);
  if (length <= 600) return all;
  const marks = [0, 60, MAX_HEAD_BYTES, MAX_ANSWER_BYTES, length];
  return all.filter((at) => marks.some((mark) => Math.abs(mark - at) < 12) || at % 4_099 === 0);
}

describe.each([
  ['behind which the connection stays open', OPEN, false],
  ['behind which the bot ends its side', ENDED, true],
  ['around the bounds', LONG, false],
])('an answer %s', (_name, rows, thenEnd) => {
  it.each(rows)('%s: reads the same whole, byte by byte and cut anywhere', (_row, text, expected) => {
    const bytes = bytesOf(text);
    const everywhere = Array.from({ length: Math.max(0, bytes.length - 1) }, (_, i) => i + 1);

    expect(readCut(bytes, [], thenEnd)).toEqual(expected);
    expect(readCut(bytes, everywhere, thenEnd)).toEqual(expected);
    for (const at of placesToCut(bytes)) expect({ at, ...readCut(bytes, [at], thenEnd) }).toEqual({ at, ...expected });
  });
});

describe('ResponseReader', () => {
  it('has a table of rows that differ', () => {
    const rows = [...OPEN, ...ENDED, ...LONG];

    expect(new Set(rows.map(([name]) => name)).size).toBe(rows.length);
    expect(rows.length).toBeGreaterThan(150);
  });

  it('is done with the last byte, not later', () => {
    for (const text of [answer([OK, EMPTY]), answer([OK, 'Content-Length: 2'], 'ab'), chunked('1\r\nx\r\n0\r\nA: b\r\n\r\n')]) {
      expect(endOf(bytesOf(`${text}HTTP/1.1`))).toBe(text.length);
    }
  });

  it.each(OPEN.filter(([, , { again }]) => again))('keeps nothing of the answer before: %s', (_name, text) => {
    const reader = new ResponseReader();
    const next = bytesOf(answer(['HTTP/1.1 503 Busy', 'Content-Length: 3'], 'abc'));
    const inChunks = bytesOf(chunked('1\r\nx\r\n0\r\n\r\n'));
    const closing = bytesOf(answer(['HTTP/1.0 200 OK'], 'abc'));

    reader.push(bytesOf(text));
    reader.reset();
    expect([reader.status, reader.mayServeAgain, reader.idleSeconds, reader.end()]).toEqual([undefined, false, undefined, 'broken']);
    expect([reader.push(next), reader.status, reader.mayServeAgain, reader.idleSeconds]).toEqual(['done', 503, true, undefined]);
    reader.reset();
    expect([reader.push(inChunks), reader.status, reader.mayServeAgain]).toEqual(['done', 200, true]);
    reader.reset();
    expect([reader.push(closing), reader.end(), reader.status, reader.mayServeAgain]).toEqual(['reading', 'done', 200, false]);
  });

  it('counts the bytes of each answer anew', () => {
    const reader = new ResponseReader();
    const head = bytesOf(`${headOf(MAX_HEAD_BYTES)}\r\n\r\n`);
    const body = bytesOf(answer([OK, `Content-Length: ${MAX_ANSWER_BYTES}`], FILLED_BODY));
    const interims = bytesOf(interim(MAX_HEAD_BYTES - 100) + answer([OK, EMPTY]));

    for (let i = 0; i < 3; i++) {
      reader.reset();
      expect(reader.push(head)).toBe('done');
      reader.reset();
      expect(reader.push(body)).toBe('done');
      reader.reset();
      expect(reader.push(interims)).toBe('done');
    }
  });
});
