const NEWLINE = 0x0a;

/** A line that is no JSON, or longer than it may be. The stream cannot be trusted after it. */
export class BadLineError extends Error {
  constructor(problem: string) {
    super(`a line of the watch ${problem}`);
    this.name = 'BadLineError';
  }
}

/**
 * The JSON lines of a watch. Half a line at the end of the stream is what a cut connection leaves
 * and is dropped: the watch resumes before it. @throws BadLineError
 */
export async function* watchLines(body: AsyncIterable<Uint8Array>, maxLineBytes: number): AsyncGenerator<unknown, void> {
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  for await (const chunk of body) {
    let rest = chunk;
    for (let at = rest.indexOf(NEWLINE); at >= 0; at = rest.indexOf(NEWLINE)) {
      const line = Buffer.concat([...held, rest.subarray(0, at)]);
      held = [];
      heldBytes = 0;
      rest = rest.subarray(at + 1);
      if (line.length > 0) yield parsed(line);
    }
    heldBytes += rest.byteLength;
    if (heldBytes > maxLineBytes) throw new BadLineError(`is longer than ${maxLineBytes} bytes`);
    if (rest.byteLength > 0) held.push(rest);
  }
}

function parsed(line: Buffer): unknown {
  try {
    return JSON.parse(line.toString('utf8')) as unknown;
  } catch {
    throw new BadLineError('is no JSON');
  }
}
