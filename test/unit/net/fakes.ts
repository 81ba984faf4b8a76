import type { NameRecord, NameSource } from '../../../src/net/dial/resolver.js';

function failure(code: string): Error {
  return Object.assign(new Error(code), { code });
}

/** A DNS to be set by a test. A name that it does not have does not exist. */
export class FakeNames implements NameSource {
  readonly v4 = new Map<string, readonly NameRecord[]>();
  readonly v6 = new Map<string, readonly NameRecord[]>();
  readonly aliases = new Map<string, readonly string[]>();
  asked: string[] = [];
  failing: string | undefined;
  hanging = false;

  set(name: string, ...addresses: string[]): void {
    const records = (family: (address: string) => boolean): NameRecord[] =>
      addresses.filter(family).map((address) => ({ address, ttl: 5 }));
    this.v4.set(
      name,
      records((address) => !address.includes(':')),
    );
    this.v6.set(
      name,
      records((address) => address.includes(':')),
    );
  }

  resolve4(name: string): Promise<readonly NameRecord[]> {
    this.asked.push(name);
    return this.#answer(this.v4.get(name) ?? []);
  }

  resolve6(name: string): Promise<readonly NameRecord[]> {
    return this.#answer(this.v6.get(name) ?? []);
  }

  resolveCname(name: string): Promise<readonly string[]> {
    return this.#answer(this.aliases.get(name) ?? []);
  }

  #answer<T>(records: readonly T[]): Promise<readonly T[]> {
    if (this.hanging) return new Promise(() => undefined);
    if (this.failing !== undefined) return Promise.reject(failure(this.failing));
    return records.length > 0 ? Promise.resolve(records) : Promise.reject(failure('ENOTFOUND'));
  }
}
