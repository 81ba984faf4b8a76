import { afterEach, describe, expect, it } from '@jest/globals';
import { tell } from './support/cold-start.js';
import { APP_ID, GraphWorld, MINUTE_MS, NAMESPACE, type TestPage } from './support/world.js';

let world: GraphWorld;

afterEach(() => world.close());

async function settled(pages: number): Promise<readonly TestPage[]> {
  world = await GraphWorld.make();
  const made = Array.from({ length: pages }, () => world.addPage({ subscribed: true }));
  world.start();
  await world.until(() => world.summary()['True'] === pages, MINUTE_MS);
  return made;
}

const setFields = (name: string, fields: readonly string[]) => {
  world.pages.update({ namespace: NAMESPACE, name }, (page) => ({ ...page, spec: { ...page.spec, subscribedFields: [...fields] } }));
};

const fieldsOf = ({ pageId }: TestPage) => [...(world.sim.control.fields(APP_ID, pageId) ?? [])].sort();

/** Four changes a second of one field, for so long. */
async function flip(name: string, seconds: number): Promise<void> {
  for (let change = 0; change < 4 * seconds; change++) {
    setFields(name, change % 2 === 0 ? ['messages'] : ['messages', 'feed']);
    await world.clock.advance(250);
  }
}

describe('a page whose spec is changed four times a second', () => {
  it('spends a small part of the budget, says why it waits, and gets its last change in the end', async () => {
    const [first, second] = await settled(2);
    if (first === undefined || second === undefined) throw new Error('no pages');
    const since = world.lastCall;

    await flip(first.name, 60);

    const calls = world.calls(since).filter(({ pageId }) => pageId === first.pageId).length;
    tell(`a minute of four changes a second: ${calls} calls of that page`);
    expect(calls).toBeLessThanOrEqual(240);
    expect(world.ready(first.name)).toBe('Unknown/RateLimited');
    expect(world.condition(first.name, 'Ready')?.message).toContain('continues by itself');

    // A neighbour is served at once.
    setFields(second.name, ['messages', 'feed']);
    await world.clock.advance(5_000);
    expect(fieldsOf(second)).toEqual(['feed', 'messages']);

    setFields(first.name, ['messages', 'messaging_postbacks']);
    await world.until(() => world.ready(first.name) === 'True', 2 * MINUTE_MS);
    expect(fieldsOf(first)).toEqual(['messages', 'messaging_postbacks']);
  });

  it('goes to Graph at once when the annotation asks for it, three times', async () => {
    const [first] = await settled(1);
    if (first === undefined) throw new Error('no page');
    await flip(first.name, 5);
    const ask = (value: string) => {
      world.pages.update({ namespace: NAMESPACE, name: first.name }, (page) => ({
        ...page,
        metadata: { ...page.metadata, annotations: { 'messenger-operator.dev/reconcile-at': value } },
      }));
    };

    ask('1');
    await world.until(() => world.ready(first.name) === 'True', 12_000);

    const since = world.lastCall;
    for (let i = 2; i < 60; i++) {
      ask(String(i));
      setFields(first.name, i % 2 === 0 ? ['messages'] : ['messages', 'feed']);
      await world.clock.advance(1_000);
    }
    tell(`a minute of changes and requests: ${world.calls(since).length} calls`);
    expect(world.calls(since).length).toBeLessThanOrEqual(240);
  });
});
