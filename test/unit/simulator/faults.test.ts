import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { FaultEffect } from '../../../src/simulator/faults.js';
import { APP, APP_TOKEN, errorOf, PAGE, simClient, type SimClient } from './sim-client.js';

let client: SimClient;

beforeEach(async () => {
  client = await simClient();
});

afterEach(() => client.sim.stop());

const read = () => client.get(`/${PAGE}`, { access_token: client.pageToken });
const fault = (effect: FaultEffect) => client.sim.control.addFault({ effect });

describe('faults of the simulator', () => {
  it('hit only what they are for, and as often as they are told to', async () => {
    client.sim.control.makePage({ id: '333' });
    client.sim.control.addFault({
      operation: 'node',
      method: 'GET',
      appId: APP,
      pageId: PAGE,
      times: 2,
      effect: { kind: 'error', code: 2 },
    });
    expect((await client.get('/me', { access_token: APP_TOKEN })).status).toBe(200);
    expect((await client.get(`/${PAGE}/subscribed_apps`, { access_token: client.pageToken })).status).toBe(200);
    expect((await read()).status).toBe(500);
    expect(errorOf(await read())).toMatchObject({ code: 2, is_transient: true });
    expect((await read()).status).toBe(200);
    expect(client.sim.control.state().faults).toEqual([]);
  });

  it('throttle, with the minutes in the usage header', async () => {
    fault({ kind: 'throttle', code: 80006, regainMinutes: 19 });
    const answer = await read();
    expect(errorOf(answer)).toMatchObject({ code: 80006, type: 'OAuthException' });
    expect(answer.headers.get('x-business-use-case-usage')).toContain('"estimated_time_to_regain_access":19');
  });

  it('give a bare HTTP error that is not JSON', async () => {
    fault({ kind: 'http', status: 502 });
    const answer = await read();
    expect(answer.status).toBe(502);
    expect(answer.json).toBeUndefined();
  });

  it('echo the token in the error text', async () => {
    fault({ kind: 'echo' });
    expect((await read()).text).toContain(client.pageToken);
  });

  it.each(['drop', 'truncate', 'null'] as const)('break the connection: %s', async (kind) => {
    fault({ kind });
    await expect(read()).rejects.toThrow();
  });

  it('hang until the caller gives up', async () => {
    fault({ kind: 'hang' });
    await expect(
      fetch(`${client.sim.url}/${PAGE}?access_token=${client.pageToken}`, { signal: AbortSignal.timeout(50) }),
    ).rejects.toThrow();
  });

  it('slow a call down, and make an answer huge', async () => {
    const one = fault({ kind: 'slow', ms: 60 });
    const began = performance.now();
    await read();
    expect(performance.now() - began).toBeGreaterThanOrEqual(55);
    client.sim.control.removeFault(one.id);
    fault({ kind: 'huge', bytes: 1_000_000 });
    expect((await read()).text.length).toBeGreaterThan(1_000_000);
  });
});
