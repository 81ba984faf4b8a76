import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { silentLogger } from '../../../src/kit/log.js';
import { EventLog, readEvents } from '../../../src/folder/event-log.js';
import { StateFolder, type StoredObject } from '../../../src/folder/state-folder.js';
import { FakeClock } from '../../support/fake-clock.js';
import { temporaryFolder } from './fixtures.js';

const OBJECT: StoredObject = { kind: 'MessengerPage', metadata: { name: 'a', namespace: 'bots', uid: 'u' }, spec: { n: 1 } };

function opened(): StateFolder {
  const state = new StateFolder(join(temporaryFolder(), 'state'));
  state.open();
  return state;
}

describe('StateFolder', () => {
  it('keeps objects for the next process, closed to other users', () => {
    const state = opened();
    state.save('messengerpages', OBJECT);

    expect(new StateFolder(state.path).load('messengerpages', silentLogger)).toEqual([OBJECT]);
    expect(statSync(state.path).mode & 0o777).toBe(0o700);
    expect(statSync(join(state.path, 'objects/messengerpages/bots_a.json')).mode & 0o777).toBe(0o600);
    state.drop('messengerpages', { namespace: 'bots', name: 'a' });
    expect(state.load('messengerpages', silentLogger)).toEqual([]);
  });

  it('leaves no half-written file behind', () => {
    const state = opened();
    state.save('messengerpages', OBJECT);
    expect(readdirSync(join(state.path, 'objects/messengerpages'))).toEqual(['bots_a.json']);
  });

  it('goes on without an object that is damaged', () => {
    const state = opened();
    state.save('messengerpages', OBJECT);
    writeFileSync(join(state.path, 'objects/messengerpages/bots_b.json'), '{"metadata":');
    const warnings: string[] = [];

    const objects = state.load('messengerpages', { ...silentLogger, warn: (message) => warnings.push(message) });

    expect(objects).toEqual([OBJECT]);
    expect(warnings).toHaveLength(1);
  });

  it('remembers what is wrong with the manifests', () => {
    const state = opened();
    expect(state.loadProblems()).toEqual([]);
    state.saveProblems([{ file: 'a.yaml', message: 'is not valid YAML' }]);
    expect(state.loadProblems()).toEqual([{ file: 'a.yaml', message: 'is not valid YAML' }]);
  });
});

describe('EventLog', () => {
  const event = { type: 'Normal', reason: 'Subscribed', action: 'Subscribe', note: 'subscribed' } as const;

  it('keeps an Event once, however often it is told in a short time', async () => {
    const folder = temporaryFolder();
    const clock = new FakeClock();
    const events = new EventLog(folder, clock, silentLogger);
    events.record(OBJECT, event);
    events.record(OBJECT, event);
    events.record(OBJECT, { ...event, note: 'again' });
    await clock.advance(10 * 60_000);
    events.record(OBJECT, event);

    expect(readEvents(folder).map(({ time, object, note }) => [time, object, note])).toEqual([
      ['2026-11-23T00:00:00Z', 'bots/a', 'subscribed'],
      ['2026-11-23T00:00:00Z', 'bots/a', 'again'],
      ['2026-11-23T00:10:00Z', 'bots/a', 'subscribed'],
    ]);
  });

  it('keeps the last megabytes only', () => {
    const folder = temporaryFolder();
    const events = new EventLog(folder, new FakeClock(), silentLogger);
    for (let i = 0; i < 4_000; i++) events.record(OBJECT, { ...event, note: `${i} ${'x'.repeat(900)}` });

    const bytes = readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
    expect(bytes).toBeLessThan(2.1 * 1_048_576);
    expect(readEvents(folder).at(-1)?.note).toMatch(/^3999 /);
  });

  it('does not fail where nothing can be written', () => {
    const errors: string[] = [];
    const log = { ...silentLogger, error: (message: string) => errors.push(message) };
    new EventLog('/nonexistent', new FakeClock(), log).record(OBJECT, event);
    expect(errors).toEqual(['an event could not be kept']);
  });
});
