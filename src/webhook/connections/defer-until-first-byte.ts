import type { Server, Socket } from 'node:net';
import { Server as TlsServer } from 'node:tls';

/**
 * Keeps a connection a bare socket until its first byte has come, and only then hands it to what speaks on it (HTTP, or TLS
 * before that). A stranger opens ten thousand and says nothing: a parser, its timers and listeners for each cost Meta's
 * requests more than the sockets themselves, when they come, when the garbage collector walks them and when they go.
 * @param server one that nobody has connected to yet
 * @param knocked told of each connection at once
 * @param spoke told of each whose first byte has come, before it is handed on
 */
export function standBefore(server: Server, knocked: (socket: Socket) => void, spoke: (socket: Socket) => void): void {
  const isTls = server instanceof TlsServer;
  const inside = server.listeners('connection') as ((this: Server, socket: Socket) => void)[];
  server.removeAllListeners('connection');
  // Of all sockets the same functions: ten thousand closures are walked too.
  function speaks(this: Socket, first: Buffer): void {
    this.off('data', speaks).off('end', leaves).off('error', ignore);
    spoke(this);
    // TLS takes what is there by itself in the next tick; flowing on, it would be gone by then.
    if (isTls) this.pause();
    this.unshift(first);
    for (const take of inside) take.call(server, this);
  }
  function leaves(this: Socket): void {
    this.destroy();
  }
  server.on('connection', (socket: Socket) => {
    socket.on('data', speaks).on('end', leaves).on('error', ignore);
    knocked(socket);
  });
}

function ignore(): void {
  // It is closed next.
}
