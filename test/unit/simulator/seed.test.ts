import { describe, expect, it } from '@jest/globals';
import { parseSeed } from '../../../src/simulator/seed.js';
import { startSimulator } from '../../../src/simulator/simulator.js';

const SEED = `
apps:
  - {id: "1517776481860111", secret: "s3cret", name: Main}
pages:
  - {id: "12345678901234567890", name: Clinic A}
tokens:
  - {alias: clinic-a, appId: "1517776481860111", pageId: "12345678901234567890", value: EAAfixedvalue0123456789}
subscriptions:
  - {appId: "1517776481860111", pageId: "12345678901234567890", fields: [messages]}
appSubscriptions:
  - {appId: "1517776481860111", callbackUrl: "http://127.0.0.1:8080/webhooks/messenger", fields: [messages]}
config: {lagMs: 5}
`;

describe('parseSeed', () => {
  it('makes everything that it names', async () => {
    const sim = await startSimulator({ seed: parseSeed(SEED) });
    const state = sim.control.state();
    expect(state).toMatchObject({
      apps: [{ id: '1517776481860111', name: 'Main' }],
      pages: [{ id: '12345678901234567890', name: 'Clinic A' }],
      tokens: [{ alias: 'clinic-a', type: 'PAGE', state: 'valid' }],
      subscriptions: [{ fields: ['messages'] }],
      appSubscriptions: [{ object: 'page', active: true }],
      config: { lagMs: 5 },
    });
    const me = await fetch(`${sim.url}/me?access_token=EAAfixedvalue0123456789`);
    expect(await me.json()).toEqual({ id: '12345678901234567890', name: 'Clinic A' });
    await sim.stop();
  });

  it('takes JSON and an empty object', () => {
    expect(parseSeed('{}')).toMatchObject({ apps: [], config: {} });
  });

  it.each([
    ['[]', 'a seed is an object'],
    ['text', 'a seed is an object'],
    ['apps: {}', 'apps has to be a list'],
    ['pages: [{id: 12345678901234567890}]\nwhat: 1', 'unknown key "what"; pages[0].id has to be in quotes'],
    ['tokens: [1]', 'tokens[0] has to be an object'],
  ])('names what is wrong: %s', (text, problem) => {
    expect(() => parseSeed(text)).toThrow(problem);
  });
});
