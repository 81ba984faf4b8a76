// The roles of deploy/install.yaml → the tables of docs/security.md, between the markers
import { format, resolveConfig } from 'prettier';
import { parseAllDocuments } from 'yaml';

const BEGIN = '<!-- roles: generated from the chart by `npm run generate` -->';
const END = '<!-- end of roles -->';
const HEAD = '| role | where | API group | resource | verb | why |\n| --- | --- | --- | --- | --- | --- |\n';

/** The page with its tables as the roles are. @throws when the markers are not there or a verb has no reason. */
export async function withRoleTables(page, install, path) {
  const [before, rest] = split(page, BEGIN);
  const [, after] = split(rest, END);
  const text = `${before}${BEGIN}\n\n${HEAD}${rolesOf(install).map(row).join('')}\n${END}${after}`;
  return format(text, { ...(await resolveConfig(path)), filepath: path });
}

function split(text, marker) {
  const at = text.indexOf(marker);
  if (at < 0) throw new Error(`docs/security.md has no line ${marker}`);
  return [text.slice(0, at), text.slice(at + marker.length)];
}

function row({ role, where, group, resource, verb, why }) {
  return `| ${role} | ${where} | ${group === '' ? 'core' : group} | ${resource} | ${verb} | ${why} |\n`;
}

/** One entry a role, resource and verb; the reason is the comment behind the verb. */
function rolesOf(install) {
  return parseAllDocuments(install).flatMap((document) => {
    const kind = document.get('kind');
    if (kind !== 'ClusterRole' && kind !== 'Role') return [];
    const role = document.getIn(['metadata', 'name']);
    const where = kind === 'ClusterRole' ? 'cluster' : 'own namespace';
    return document.get('rules').items.flatMap((rule) => entriesOf(rule).map((entry) => ({ role, where, ...entry })));
  });
}

function entriesOf(rule) {
  const list = (key) => rule.get(key).items;
  return list('apiGroups').flatMap((group) =>
    list('resources').flatMap((resource) =>
      list('verbs').map((verb) => {
        if (verb.comment == null) throw new Error(`${resource.value} ${verb.value}: say why behind the verb`);
        return { group: group.value, resource: resource.value, verb: verb.value, why: verb.comment.trim() };
      }),
    ),
  );
}
