import { describe, expect, it } from '@jest/globals';
import { silentLogger } from '../../../src/kit/log.js';
import { ProblemLog } from '../../../src/folder/problem-log.js';
import { problemText, type Problem } from '../../../src/folder/problem.js';

const one: Problem = {
  file: 'a.yaml',
  document: 2,
  line: 9,
  object: 'MessengerPage bots/a',
  field: 'spec.pageId',
  message: 'must be text',
};
const two: Problem = { file: 'b.yaml', message: 'is not valid YAML' };

function setUp(keep: (problems: readonly Problem[]) => void = () => undefined) {
  const lines: string[] = [];
  const at =
    (level: string) =>
    (message: string): void => {
      lines.push(`${level} ${message}`);
    };
  const log = new ProblemLog({ ...silentLogger, warn: at('warn'), info: at('info'), error: at('error') }, keep);
  return { log, lines };
}

describe('ProblemLog', () => {
  it('tells a problem once when it appears and once when it is gone', () => {
    const { log, lines } = setUp();
    log.report([one]);
    log.report([one]);
    log.report([one, two]);
    log.report([two]);
    expect(lines).toEqual([
      'warn a manifest is not used as it stands',
      'warn a manifest is not used as it stands',
      'info a problem of a manifest is gone',
    ]);
  });

  it('keeps the list whenever it changes, the first time even if it is empty', () => {
    const kept: number[] = [];
    const { log } = setUp((problems) => kept.push(problems.length));
    log.report([]);
    log.report([]);
    log.report([one]);
    log.report([one]);
    log.report([]);
    expect(kept).toEqual([0, 1, 0]);
  });

  it('goes on when the list cannot be kept', () => {
    const { log, lines } = setUp(() => {
      throw new Error('ENOSPC');
    });
    log.report([]);
    expect(lines).toEqual(['error the problems of the manifests could not be kept']);
  });
});

describe('problemText', () => {
  it('says where and what', () => {
    expect(problemText(one)).toBe('a.yaml, document 2 (line 9), MessengerPage bots/a, spec.pageId: must be text');
    expect(problemText({ file: '', message: 'the folder is empty' })).toBe('the folder is empty');
  });
});
