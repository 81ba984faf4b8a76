import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { grantsOf, installed } from './rendered.js';

const OPERATOR = ['controller', 'controller-own', 'webhook', 'webhook-secrets', 'pages-api', 'pages-api-reviews'];
const PEOPLE = ['view', 'edit', 'admin', 'bot'];

const grants = grantsOf(installed);
const grantsTo = (names: readonly string[]): readonly string[] =>
  grants.filter((grant) => names.some((name) => grant.startsWith(`messenger-operator-${name} |`)));

/** The rows of the table in docs/security.md, read without the code that wrote them. */
function documented(): readonly { readonly grant: string; readonly why: string }[] {
  const rows = readFileSync('docs/security.md', 'utf8').matchAll(
    /^\| (messenger-operator-\S+) +\| \S.*?\| (\S+) +\| (\S+) +\| (\S+) +\| (.*?) *\|$/gm,
  );
  return [...rows].map(([, role = '', group = '', resource = '', verb = '', why = '']) => ({
    grant: [role, group === 'core' ? '' : group, resource, verb].join(' | '),
    why,
  }));
}

describe('the RBAC of the chart', () => {
  it('is what docs/security.md says, no more and no less, each verb with a reason', () => {
    expect(documented().length).toBeGreaterThan(50);
    expect(documented().map(({ grant }) => grant)).toEqual(grants);
    expect(documented().filter(({ why }) => why.length < 8)).toEqual([]);
  });

  it('grants nothing by a wildcard', () => {
    expect(grants.filter((grant) => grant.includes('*'))).toEqual([]);
  });

  it('has no role besides those that the tests know', () => {
    expect(new Set(grants.map((grant) => grant.split(' ')[0]))).toEqual(
      new Set([...OPERATOR, ...PEOPLE].map((name) => `messenger-operator-${name}`)),
    );
  });

  it('lets the controller alone write, and only what is its own', () => {
    const writes = grants.filter((grant) => !/ (get|list|watch)$/.test(grant));

    expect(writes.filter((grant) => OPERATOR.some((name) => grant.startsWith(`messenger-operator-${name} `)))).toEqual(
      expect.arrayContaining(['messenger-operator-controller | messenger-operator.dev | messengerpages/status | patch']),
    );
    expect(grantsTo(['webhook', 'webhook-secrets', 'pages-api']).filter((grant) => writes.includes(grant))).toEqual([]);
    expect(grantsTo(['pages-api-reviews'])).toEqual([
      'messenger-operator-pages-api-reviews | authentication.k8s.io | tokenreviews | create',
      'messenger-operator-pages-api-reviews | authorization.k8s.io | subjectaccessreviews | create',
    ]);
    expect(grantsTo(['controller']).filter((grant) => / (create|update|delete)$/.test(grant))).toEqual([
      // A question, which changes nothing.
      'messenger-operator-controller | authorization.k8s.io | localsubjectaccessreviews | create',
      'messenger-operator-controller | events.k8s.io | events | create',
    ]);
  });

  it('gives nobody but the controller a status, and people no token and no proxy', () => {
    expect(grants.filter((grant) => grant.includes('/status') && !grant.startsWith('messenger-operator-controller |'))).toEqual([]);
    expect(grantsTo(['view', 'edit', 'admin']).filter((grant) => grant.includes('/'))).toEqual([]);
  });

  it('lets people edit pages by `edit`, apps by `admin` alone', () => {
    const verbs = (role: string, resource: string): readonly (string | undefined)[] =>
      grantsTo([role])
        .filter((grant) => grant.includes(`| ${resource} |`))
        .map((grant) => grant.split(' | ').at(-1));

    expect(verbs('edit', 'messengerpages')).toEqual(['create', 'update', 'patch', 'delete', 'deletecollection']);
    expect(verbs('edit', 'messengerapps')).toEqual([]);
    expect(verbs('view', 'messengerapps')).toEqual(['get', 'list', 'watch']);
    expect(verbs('admin', 'messengerapps')).toContain('create');
  });

  it('lets a bot read pages and tokens through the Pages API, and no Secret', () => {
    expect(grantsTo(['bot'])).toEqual([
      'messenger-operator-bot | messenger-operator.dev | messengerpages | get',
      'messenger-operator-bot | messenger-operator.dev | messengerpages | list',
      'messenger-operator-bot | messenger-operator.dev | messengerpages/token | get',
    ]);
    const bot = installed.find(({ metadata }) => metadata.name === 'messenger-operator-bot');
    expect(Object.keys(bot?.metadata.labels ?? {}).filter((label) => label.includes('aggregate'))).toEqual([]);
  });

  it('lets the webhook read Secrets in its own namespace alone', () => {
    const secretRoles = installed.filter(({ rules = [] }) => rules.some(({ resources }) => resources.includes('secrets')));

    expect(
      secretRoles.filter(({ metadata }) => metadata.name.includes('webhook')).map(({ kind, metadata }) => [kind, metadata.namespace]),
    ).toEqual([['Role', 'messenger-operator']]);
  });
});
