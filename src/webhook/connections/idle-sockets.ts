import type { Socket } from 'node:net';
import type { Clock } from '../../kit/clock.js';

/** One connection. */
interface Place {
  readonly socket: Socket;
  readonly openedMs: number;
  /** Requests under way. */
  active: number;
  /** It was used since its place in the order was looked at. */
  wasUsed: boolean;
  isVerified: boolean;
}

/** So long a new connection is given to send its first byte before it counts as silent. */
const FRESH_MS = 1_000;
/** Busy ones that are passed over for one newcomer: the look must stay cheap under a flood. */
const MAX_LOOKED_AT = 64;

/**
 * Connections that wait for nothing but their next byte. They cost next to nothing while they stay
 * open, and more when they are closed and reconnect. So they stay until their place is needed; then
 * one is closed: the one that has been silent the longest, then the one that has been idle the
 * longest since it spoke, then one that was opened within the last second, and last one that has
 * carried a verified request. A client that has something to send always finds a place, and Meta's
 * connections stay.
 */
export class IdleSockets {
  readonly #maxOpen: number;
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  /** Have not sent a byte. Oldest first. */
  readonly #silent = new Set<Place>();
  /** Have sent something; the order is put right when it is looked at. */
  readonly #spoke = new Set<Place>();
  readonly #verified = new Set<Place>();
  readonly #places = new WeakMap<Socket, Place>();
  #open = 0;
  /** One function for all sockets. */
  readonly #onClose: (this: Socket) => void;

  /** @param maxOpen connections, idle or not, beyond which idle ones are closed */
  constructor(maxOpen: number, clock: Pick<Clock, 'monotonicMs'>) {
    this.#maxOpen = maxOpen;
    this.#clock = clock;
    // No arrow function: the emitter passes the closed socket as `this`.
    const closed = (socket: Socket): void => {
      this.#open--;
      this.#forget(this.#places.get(socket));
    };
    this.#onClose = function (): void {
      closed(this);
    };
  }

  /** Open connections, idle or not. */
  get open(): number {
    return this.#open;
  }

  add(socket: Socket): void {
    this.#open++;
    socket.once('close', this.#onClose);
    if (this.#open > this.#maxOpen) this.#destroyOne();
    const place = { socket, openedMs: this.#clock.monotonicMs(), active: 0, wasUsed: false, isVerified: false };
    this.#places.set(socket, place);
    this.#silent.add(place);
  }

  /** Its first byte has arrived. */
  spoke(socket: Socket): void {
    const place = this.#places.get(socket);
    if (place !== undefined && this.#silent.delete(place)) this.#spoke.add(place);
  }

  /** `secured` is the TLS on top of a connection: it may stand for it from now on. */
  secured(secured: Socket, below: Socket): void {
    const place = this.#places.get(below);
    if (place !== undefined) this.#places.set(secured, place);
  }

  /** A request on it begins (1) or has ended (-1). Until then it is not closed. */
  request(socket: Socket, change: 1 | -1): void {
    const place = this.#places.get(socket);
    if (place === undefined) return;
    place.active += change;
    place.wasUsed = true;
  }

  /** It has carried a verified request. */
  verified(socket: Socket): void {
    const place = this.#places.get(socket);
    if (place === undefined || place.isVerified) return;
    place.isVerified = true;
    if (this.#spoke.delete(place)) this.#verified.add(place);
  }

  /** Closes all silent ones at once: none has a request to finish. */
  destroySilent(): void {
    for (const { socket } of this.#silent) socket.destroy();
  }

  #destroyOne(): void {
    const idle = this.#longestSilent() ?? longestIdle(this.#spoke) ?? longestIdle(this.#silent) ?? longestIdle(this.#verified);
    if (idle === undefined) return;
    this.#forget(idle);
    idle.socket.destroy();
  }

  /** Not one that was opened a moment ago: its first request may be on its way. */
  #longestSilent(): Place | undefined {
    const [oldest] = this.#silent;
    return oldest !== undefined && this.#clock.monotonicMs() - oldest.openedMs >= FRESH_MS ? oldest : undefined;
  }

  #forget(place: Place | undefined): void {
    if (place === undefined) return;
    this.#silent.delete(place);
    this.#spoke.delete(place);
    this.#verified.delete(place);
  }
}

/** Moves those that are busy, or were used since the last look, to the end. */
function longestIdle(places: Set<Place>): Place | undefined {
  let looked = 0;
  let next: Place | undefined;
  for (const place of places) {
    if (place.active === 0 && !place.wasUsed) return place;
    if (++looked > MAX_LOOKED_AT) return next;
    // It was used, but it is idle now: it goes if no other is found.
    if (place.active === 0) next ??= place;
    place.wasUsed = false;
    places.delete(place);
    places.add(place);
  }
  return next;
}
