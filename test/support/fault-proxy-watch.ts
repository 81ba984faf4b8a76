import type { ServerResponse } from 'node:http';
import { statusBody, type Fault, type SeenRequest } from './fault-proxy-rules.js';

const NEWLINE = 0x0a;
/** How late a line is that nothing follows to change places with. */
const HELD_MS = 3_000;
const GONE = statusBody(410, 'Expired');

export interface WatchEnds {
  readonly cut: () => void;
  readonly reset: () => void;
  /** The fault that holds for this watch now. */
  readonly fault: () => Fault | undefined;
}

/** A watch on its way through the proxy, line by line. */
export class ProxiedWatch {
  readonly seen: SeenRequest;
  readonly #response: ServerResponse;
  readonly #ends: WatchEnds;
  #rest: Buffer = Buffer.alloc(0);
  /** Nothing comes through any more, and it stays open. */
  #mute = false;
  #held: Buffer | undefined;
  #lastLine: Buffer = Buffer.from('{"type":"MODIFIED","object":{"metadata":{"name":"some"}}}\n');
  /** When the last late line goes out; those behind it may not overtake it. */
  #busyUntilMs = 0;
  /** Late lines that are not out yet. */
  #waiting = 0;

  constructor(seen: SeenRequest, response: ServerResponse, ends: WatchEnds) {
    this.seen = seen;
    this.#response = response;
    this.#ends = ends;
  }

  /** Bytes from the API server. */
  push(chunk: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    for (let at = this.#rest.indexOf(NEWLINE); at >= 0; at = this.#rest.indexOf(NEWLINE)) {
      const line = this.#rest.subarray(0, at + 1);
      this.#rest = this.#rest.subarray(at + 1);
      this.#line(line);
    }
  }

  /** The API server has ended it. */
  end(): void {
    if (this.#mute) return;
    this.#flush();
    this.#later(() => this.#response.end());
  }

  /** A fault begins while the watch is open. */
  afflict(fault: Fault): void {
    if (this.#mute) return;
    if (fault.kind === 'cut') this.#ends.cut();
    if (fault.kind === 'reset') this.#ends.reset();
    if (fault.kind === 'half-open' || fault.kind === 'swallow') this.#mute = true;
    if (fault.kind === 'stall') this.#stall(this.#lastLine);
    if (fault.kind === 'status') this.#error(fault.body);
    if (fault.kind === 'replay') this.#error(GONE);
  }

  #line(line: Buffer): void {
    if (this.#mute) return;
    this.#lastLine = line;
    const fault = this.#ends.fault();
    if (fault?.kind === 'swallow') this.#mute = true;
    else if (fault?.kind === 'stall') this.#stall(line);
    else if (fault?.kind === 'reorder') this.#swap(line);
    else this.#pass(...shaped(line, fault));
  }

  #swap(line: Buffer): void {
    if (this.#held === undefined) {
      this.#held = line;
      setTimeout(() => {
        if (this.#held === line) this.#flush();
      }, HELD_MS);
      return;
    }
    const earlier = this.#held;
    this.#held = undefined;
    this.#pass(Buffer.concat([line, earlier]));
  }

  #pass(bytes: Buffer, delayMs = 0): void {
    this.#flush();
    this.#later(() => this.#response.write(bytes), delayMs);
  }

  #flush(): void {
    const held = this.#held;
    this.#held = undefined;
    if (held !== undefined) this.#later(() => this.#response.write(held));
  }

  #later(act: () => void, delayMs = 0): void {
    const now = performance.now();
    const atMs = Math.max(now + delayMs, this.#busyUntilMs);
    if (atMs <= now && this.#waiting === 0) {
      act();
      return;
    }
    this.#busyUntilMs = atMs;
    this.#waiting++;
    setTimeout(() => {
      this.#waiting--;
      if (!this.#mute) act();
    }, atMs - now);
  }

  #stall(line: Buffer): void {
    this.#response.write(line.subarray(0, Math.ceil(line.length / 2)));
    this.#mute = true;
  }

  #error(status: unknown): void {
    this.#response.end(`${JSON.stringify({ type: 'ERROR', object: status })}\n`);
    this.#mute = true;
  }
}

/** What goes out for a line, and how late. */
function shaped(line: Buffer, fault: Fault | undefined): [Buffer, number] {
  if (fault?.kind === 'delay') return [line, fault.ms];
  return [fault?.kind === 'duplicate' ? Buffer.concat([line, line]) : line, 0];
}
