import { describe, expect, it } from '@jest/globals';
import { botKeysOf } from '../../../src/app/bot-keys.js';
import { FolderData } from '../../../src/folder/folder-data.js';
import { FakeClock } from '../../support/fake-clock.js';

const TYPE = 'messenger-operator.dev/bot-key';
const content = (values: Record<string, string>, type: string | undefined = TYPE) => ({
  type,
  data: new Map(Object.entries(values).map(([key, value]) => [key, Buffer.from(value)])),
});

function setUp() {
  let version = 0;
  const secrets = new FolderData(new FakeClock(), () => String(++version));
  const learned: string[] = [];
  const keys = botKeysOf(secrets, (secret) => learned.push(secret.reveal()));
  const shown = () => keys().map(({ owner, key, pages }) => [owner.name, key.reveal(), pages]);
  return { secrets, learned, shown, keys };
}

describe('botKeysOf', () => {
  it('finds the Secrets that are bot keys, always as they are now', () => {
    const { secrets, shown } = setUp();
    secrets.apply({ namespace: 'bots', name: 'a' }, content({ key: 'key-of-a\n', pages: 'bot=a' }), {});
    secrets.apply({ namespace: 'bots', name: 'b' }, content({ key: 'key-of-b' }), {});
    expect(shown()).toEqual([
      ['a', 'key-of-a', 'bot=a'],
      ['b', 'key-of-b', undefined],
    ]);

    secrets.apply({ namespace: 'bots', name: 'a' }, content({ key: 'new-key' }), {});
    secrets.remove({ namespace: 'bots', name: 'b' });
    expect(shown()).toEqual([['a', 'new-key', undefined]]);
  });

  it('leaves out other Secrets, and keys that are none', () => {
    const { secrets, shown } = setUp();
    secrets.apply({ namespace: 'bots', name: 'a' }, content({ key: 'x' }, 'Opaque'), {});
    secrets.apply({ namespace: 'bots', name: 'b' }, content({ pages: 'bot=b' }), {});
    secrets.apply({ namespace: 'bots', name: 'c' }, content({ key: 'two words' }), {});
    expect(shown()).toEqual([]);
  });

  it('has every key known as a secret, before it is used', () => {
    const { secrets, learned, keys } = setUp();
    secrets.apply({ namespace: 'bots', name: 'a' }, content({ key: 'key-of-a' }), {});
    keys();
    keys();
    expect(learned).toEqual(['key-of-a']);
  });
});
