import { describe, expect, it } from '@jest/globals';
import { command } from './io.js';

describe('run', () => {
  it('prints the version, and help without a word', async () => {
    expect(await command(['--version'])).toEqual({ code: 0, stdout: 'messenger-operator 1.2.3\n', stderr: '' });
    expect(await command([])).toMatchObject({ code: 0, stdout: expect.stringContaining('Commands:'), stderr: '' });
  });

  it('ends with 2 and all problems in one message when the configuration makes no sense', async () => {
    const { code, stdout, stderr } = await command(['standalone', '--workers', 'many', '--tls-cert', '/nowhere']);

    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr.split('\n')).toEqual([
      'messenger-operator: invalid configuration:',
      '  - --workers must be an integer from 1 to 256, not "many"',
      '  - --tls-cert: there is no file "/nowhere" that can be read',
      expect.stringContaining('--manifests DIR'),
      expect.stringContaining('--api-allow-plaintext'),
      'messenger-operator standalone --help shows the flags',
      '',
    ]);
  });

  it('ends with 1 and a sentence, without a stack, when something goes wrong', async () => {
    const { code, stderr } = await command(['get', 'pages', '--state-dir', '/nowhere']);

    expect(code).toBe(1);
    expect(stderr).toBe('messenger-operator: there is no state folder /nowhere; standalone makes it (--state-dir)\n');
  });
});
