import type { Server, Socket } from 'node:net';
import { Server as TlsServer } from 'node:tls';

export interface FirstByteListeners {
  /** Called with each new connection. */
  readonly onOpen: (socket: Socket) => void;
  /** Called when the first byte has arrived, before the server sees the connection. */
  readonly onFirstByte: (socket: Socket) => void;
}

/**
 * Keeps a connection a bare socket until its first byte has arrived, and only then hands it to the
 * server (HTTP, or TLS below HTTP). A parser with its timers and listeners for each of ten thousand
 * silent connections would slow Meta's requests more than the sockets do: when they open, at every
 * garbage collection, and when they close.
 * @param server a server that has no connections yet
 */
export function deferUntilFirstByte(server: Server, { onOpen, onFirstByte }: FirstByteListeners): void {
  const isTls = server instanceof TlsServer;
  const listeners = server.listeners('connection') as ((this: Server, socket: Socket) => void)[];
  server.removeAllListeners('connection');
  // The same functions for all sockets: the garbage collector would walk ten thousand closures too.
  function handOver(this: Socket, first: Buffer): void {
    this.off('data', handOver).off('end', destroy).off('error', ignoreError);
    onFirstByte(this);
    // TLS reads what is buffered in the next tick; a flowing socket would have lost it by then.
    if (isTls) this.pause();
    this.unshift(first);
    for (const listener of listeners) listener.call(server, this);
  }
  function destroy(this: Socket): void {
    this.destroy();
  }
  server.on('connection', (socket: Socket) => {
    socket.on('data', handOver).on('end', destroy).on('error', ignoreError);
    onOpen(socket);
  });
}

function ignoreError(): void {
  // Node closes the socket next.
}
