import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { type AddressInfo, createServer, isIPv4, type Server } from 'node:net';

/** What a name of the zone is. A name that the zone does not have does not exist (NXDOMAIN). */
export interface ZoneName {
  readonly addresses?: readonly string[];
  /** Seconds; 30 by default. */
  readonly ttl?: number;
  /**
   * The name that this one is an alias of; its addresses are answered along with it, as a resolver
   * does.
   */
  readonly alias?: string;
  /** Questions of this type are never answered. */
  readonly hangs?: readonly QuestionType[];
  /** Questions of this type are answered SERVFAIL. */
  readonly fails?: readonly QuestionType[];
  /** Over UDP it is only said that the answer is too long for UDP. */
  readonly truncated?: boolean;
}

export type QuestionType = 'A' | 'AAAA' | 'CNAME';

const TYPES: ReadonlyMap<number, QuestionType> = new Map([
  [1, 'A'],
  [28, 'AAAA'],
  [5, 'CNAME'],
]);
const NUMBERS = { A: 1, AAAA: 28, CNAME: 5 } as const;
const [NO_ERROR, SERVFAIL, NXDOMAIN] = [0, 2, 3];

/** A DNS server of a test, on loopback, over UDP and TCP. */
export class DnsServer {
  readonly zone = new Map<string, ZoneName>();
  /** `TYPE name`, in the order in which they came; those over TCP with `/tcp` behind. */
  readonly asked: string[] = [];
  readonly port: number;
  readonly #udp: UdpSocket;
  readonly #tcp: Server;

  private constructor(udp: UdpSocket, tcp: Server) {
    this.#udp = udp;
    this.#tcp = tcp;
    this.port = udp.address().port;
    udp.on('message', (message, { port, address }) => {
      const answer = this.#answer(message, 'udp');
      if (answer !== undefined) udp.send(answer, port, address);
    });
    tcp.on('connection', (socket) => {
      socket.on('error', () => undefined);
      socket.on('data', (chunk: Buffer) => {
        const answer = this.#answer(chunk.subarray(2), 'tcp');
        if (answer !== undefined) socket.end(Buffer.concat([uint16(answer.length), answer]));
      });
    });
  }

  static async start(): Promise<DnsServer> {
    const tcp = createServer();
    await new Promise<void>((resolve) => tcp.listen(0, '127.0.0.1', resolve));
    const udp = createSocket('udp4');
    await new Promise<void>((resolve, reject) => {
      udp.once('error', reject);
      udp.bind((tcp.address() as AddressInfo).port, '127.0.0.1', resolve);
    });
    return new DnsServer(udp, tcp);
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  async stop(): Promise<void> {
    await new Promise<void>((resolve) => this.#udp.close(resolve));
    await new Promise((resolve) => this.#tcp.close(resolve));
  }

  #answer(message: Buffer, over: 'udp' | 'tcp'): Buffer | undefined {
    const { name, end } = nameAt(message, 12);
    const type = TYPES.get(message.readUInt16BE(end)) ?? 'A';
    const question = message.subarray(12, end + 4);
    this.asked.push(`${type} ${name}${over === 'tcp' ? '/tcp' : ''}`);
    const known = this.zone.get(name);
    if (known === undefined) return reply(message, question, { rcode: NXDOMAIN });
    const { hangs = [], fails = [] } = known;
    if (hangs.includes(type)) return undefined;
    if (fails.includes(type)) return reply(message, question, { rcode: SERVFAIL });
    if (known.truncated === true && over === 'udp') return reply(message, question, { truncated: true });
    return reply(message, question, { records: this.#records(name, known, type) });
  }

  #records(name: string, known: ZoneName, type: QuestionType): readonly Buffer[] {
    const { alias, ttl = 30, addresses = [] } = known;
    if (alias !== undefined) {
      const target = this.zone.get(alias);
      const behind = target === undefined || type === 'CNAME' ? [] : this.#records(alias, target, type);
      return [record(name, 'CNAME', ttl, nameBytes(alias)), ...behind];
    }
    const wanted = addresses.filter((address) => type === (isIPv4(address) ? 'A' : 'AAAA'));
    return wanted.map((address) => record(name, type, ttl, addressBytes(address)));
  }
}

interface Reply {
  readonly rcode?: number;
  readonly truncated?: boolean;
  readonly records?: readonly Buffer[];
}

function reply(message: Buffer, question: Buffer, { rcode = NO_ERROR, truncated = false, records = [] }: Reply): Buffer {
  const header = Buffer.alloc(12);
  message.copy(header, 0, 0, 2);
  // An answer, recursion was wanted and is had.
  header.writeUInt16BE(0x8180 | (truncated ? 0x0200 : 0) | rcode, 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(records.length, 6);
  return Buffer.concat([header, question, ...records]);
}

function record(name: string, type: QuestionType, ttl: number, data: Buffer): Buffer {
  const fixed = Buffer.alloc(10);
  fixed.writeUInt16BE(NUMBERS[type], 0);
  fixed.writeUInt16BE(1, 2);
  fixed.writeUInt32BE(ttl, 4);
  fixed.writeUInt16BE(data.length, 8);
  return Buffer.concat([nameBytes(name), fixed, data]);
}

/** A name without the dot in the end; questions compress nothing. */
function nameAt(message: Buffer, start: number): { readonly name: string; readonly end: number } {
  const labels: string[] = [];
  let at = start;
  for (let length = message[at] ?? 0; length > 0; length = message[at] ?? 0) {
    labels.push(message.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join('.').toLowerCase(), end: at + 1 };
}

function nameBytes(name: string): Buffer {
  const labels = name.split('.').map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label)]));
  return Buffer.concat([...labels, Buffer.from([0])]);
}

/** IPv6 written with one `::` or in full. */
function addressBytes(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split('.').map(Number));
  const [front = [], back] = address.split('::').map((half) => half.split(':').filter((word) => word !== ''));
  const gap = back === undefined ? 0 : 8 - front.length - back.length;
  return Buffer.concat([...front, ...Array<string>(gap).fill('0'), ...(back ?? [])].map((word) => uint16(Number.parseInt(word, 16))));
}

function uint16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}
