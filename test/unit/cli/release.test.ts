import { describe, expect, it } from '@jest/globals';
import { command } from './io.js';

/** As in a Pod: no kubeconfig is looked for. */
const POD = { KUBERNETES_SERVICE_HOST: '10.0.0.1' };

describe('release', () => {
  it.each([
    ['is not told what to free', [], 'needs to know what to free: names, -n NAMESPACE, --all-namespaces, or --all'],
    ['is given names and --all', ['a', '--all'], 'takes either names or --all'],
    ['is given names and all namespaces', ['a', '-A'], 'takes either names or --all'],
    ['is given one namespace and all of them', ['-A', '-n', 'bots'], '--namespace and --all-namespaces cannot be used together'],
    ['is given what cannot be a name', ['Clinic_A', '-n', 'bots'], '"Clinic_A" is not a name of an object'],
    [
      'is to stop a controller for what needs none stopped',
      ['-A', '--stop-controller', 'x'],
      '--stop-controller needs --all or --unsubscribe',
    ],
    [
      'is to stop a controller and not to ask for its Lease',
      ['--all', '--stop-controller', 'x', '--leader-elect=false'],
      '--stop-controller waits',
    ],
    ['is given a state folder', ['--all', '--state-dir', '.'], '--state-dir is not a flag of release'],
    ['is given no time', ['--all', '--timeout', '1s'], '--timeout must be a duration such as 30s or 10m, from 5s to 1h'],
  ])('ends with 2 when it %s', async (_what, flags, says) => {
    const { code, stdout, stderr } = await command(['release', ...flags], POD);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(says);
  });

  it('says in its help that it works on clusters, and what needs the controller stopped', async () => {
    const { code, stdout } = await command(['release', '--help']);
    expect(code).toBe(0);
    expect(stdout).toContain('It works on clusters only');
    expect(stdout).toContain('--stop-controller DEPLOYMENT');
    expect(stdout).toContain('takes the Lease');
  });
});
