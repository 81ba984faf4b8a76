import { isRecord } from '../../kit/narrow.js';

/** Where `--service-resolver` sends a Service's connections. */
export interface MappedAddress {
  readonly host: string;
  readonly port: number;
}

/** `namespace/name:port` → address. */
export type ServiceMap = ReadonlyMap<string, MappedAddress>;

const KEY = /^[a-z0-9.-]+\/[a-z0-9.-]+:\d{1,5}$/;
const VALUE = /^(?:\[([0-9a-fA-F:]+)\]|([A-Za-z0-9.-]+)):(\d{1,5})$/;

/**
 * Reads the file of `--service-resolver`, a JSON object such as `{"bots/clinic-bot:5000":
 * "127.0.0.1:5000"}`.
 * @throws Error with one sentence that names the bad entry
 */
export function parseServiceMap(text: string): ServiceMap {
  const parsed: unknown = parse(text);
  if (!isRecord(parsed)) throw new Error('the service map must be a JSON object');
  const map = new Map<string, MappedAddress>();
  for (const [key, value] of Object.entries(parsed)) {
    if (!KEY.test(key)) throw new Error(`"${key}" must be written namespace/name:port`);
    const address = typeof value === 'string' ? addressIn(value) : undefined;
    if (address === undefined) throw new Error(`the address of "${key}" must be written host:port`);
    map.set(key, address);
  }
  return map;
}

function addressIn(text: string): MappedAddress | undefined {
  const [, v6, name, port] = VALUE.exec(text) ?? [];
  const host = v6 ?? name;
  const number = Number(port);
  return host === undefined || number < 1 || number > 65_535 ? undefined : { host, port: number };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error('the service map is not JSON', { cause: error });
  }
}
