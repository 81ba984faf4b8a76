import { Writable } from 'node:stream';

/** Output that nobody reads. */
export class Discard extends Writable {
  override _write(_chunk: unknown, _encoding: string, done: () => void): void {
    done();
  }
}
