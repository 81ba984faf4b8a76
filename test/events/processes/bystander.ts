// Keeps whatever connects and says nothing: what so many connections cost this machine, whoever has
// them.
import { createServer, type AddressInfo, type Socket } from 'node:net';

const kept = new Set<Socket>();
const server = createServer((socket) => {
  kept.add(socket);
  socket.on('error', () => undefined);
  socket.once('close', () => kept.delete(socket));
});
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }));
process.on('disconnect', () => {
  process.exit();
});
