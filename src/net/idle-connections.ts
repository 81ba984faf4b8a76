import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** A connection of a server that has a bounded number of them. */
interface Place {
  readonly socket: Socket;
  /** Requests under way. */
  active: number;
  /** It has carried a request that was answered with less than 400. */
  served: boolean;
}

/**
 * Bounds the connections of an HTTP or HTTPS server. When one more arrives, the connection that has
 * been idle longest is closed for it; those that have carried a successful request go last. Only
 * while all of them are busy is the new one refused.
 */
export function limitConnections(server: Server, max: number): void {
  /** In the order in which they became idle. */
  const places = new Map<string, Place>();

  const makeRoom = (): boolean => {
    if (places.size < max) return true;
    const idle = [...places].filter(([, { active }]) => active === 0);
    const [key, place] = idle.find(([, { served }]) => !served) ?? idle[0] ?? [];
    if (key === undefined) return false;
    places.delete(key);
    place?.socket.destroy();
    return true;
  };

  server.on('connection', (socket: Socket) => {
    const key = keyOf(socket);
    if (!makeRoom()) {
      socket.destroy();
      return;
    }
    const place = { socket, active: 0, served: false };
    places.set(key, place);
    socket.once('close', () => {
      if (places.get(key) === place) places.delete(key);
    });
  });
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const key = keyOf(request.socket);
    const place = places.get(key);
    if (place === undefined) return;
    place.active += 1;
    response.once('close', () => {
      place.active -= 1;
      place.served ||= response.statusCode < 400;
      // The last one in the order of idleness.
      if (places.get(key) !== place) return;
      places.delete(key);
      places.set(key, place);
    });
  });
}

/** The same for a TLS socket and for the connection below it. */
function keyOf({ remoteAddress = '', remotePort = 0 }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
