import { stringify } from 'yaml';
import { type Kind, kindNamed, KINDS, PAGES } from '../api/kinds.js';
import type { ProcessIo } from '../app/context.js';
import { listCluster } from '../get/cluster-listing.js';
import { type Listing, listStateFolder } from '../get/listing.js';
import { askLivePages, type LivePages } from '../get/live-pages.js';
import { ConfigError } from '../config/config-error.js';
import type { ConfigOf } from '../config/flag-table.js';
import { type LabelRequirement, matchesLabels, parseLabelSelector } from '../core/domain/label-selector.js';
import { silentLogger } from '../kit/log.js';
import { keyOf, keyText } from '../core/domain/object-key.js';
import { jsonPath } from './json-path.js';
import { age, cell, table } from './table.js';

type Config = ConfigOf<'get'>;
type Objects = Listing['objects'];

/**
 * `get pages|apps [NAME…]`. @throws ConfigError for arguments that it does not know, Error for a
 * name that does not exist
 */
export async function get(config: Config, args: readonly string[], io: ProcessIo): Promise<void> {
  const [word = '', ...names] = args;
  const kind = kindNamed(word);
  if (kind === undefined) throw new ConfigError([`get shows ${wordsOfKinds()}, not "${word}"`]);
  const requirements = requirementsOf(config.selector);
  const { namespace, ...listing } = await listed(config, kind, io);
  const objects = selected(listing.objects, { namespace, names, requirements });
  const live = await liveOf(config, { kind, adminUrl: listing.adminUrl }, io.signal);
  io.stdout.write(shown(config, { ...listing, objects, namespace, names, live }, io.clock.nowMs()));
  for (const note of [...listing.notes, ...(live?.notes ?? [])]) io.stderr.write(`${note}\n`);
}

type Scoped = Listing & { readonly namespace: string | undefined };
type Shown = Scoped & { readonly names: readonly string[]; readonly live: LivePages | undefined };

/** undefined: not asked for, or the process of a state folder does not run. */
async function liveOf(
  { adminUrls, output }: Config,
  { kind, adminUrl }: { readonly kind: Kind; readonly adminUrl: string | undefined },
  signal: AbortSignal,
): Promise<LivePages | undefined> {
  if (kind.kind !== PAGES.kind || output === 'json' || output === 'yaml') return undefined;
  if (adminUrls.length > 0) return askLivePages(adminUrls, signal);
  if (adminUrl === undefined || output !== 'wide') return undefined;
  const live = await askLivePages([adminUrl], signal);
  return live.answers === 0 ? undefined : live;
}

async function listed(config: Config, kind: Kind, { version, signal }: ProcessIo): Promise<Scoped> {
  const { stateDir, namespace, output, selector: labelSelector } = config;
  if (stateDir !== '') return { ...listStateFolder(stateDir, kind, silentLogger), namespace };
  return listCluster(kind, { ...config, labelSelector, withEvents: output === 'wide', version, signal });
}

/** `pages or apps` */
function wordsOfKinds(): string {
  return KINDS.map(({ plural }) => plural.replace(/^messenger/, '')).join(' or ');
}

interface Wanted {
  readonly namespace: string | undefined;
  readonly names: readonly string[];
  readonly requirements: readonly LabelRequirement[];
}

function selected(all: Objects, { namespace, names, requirements }: Wanted): Objects {
  const objects = all
    .filter(({ metadata }) => namespace === undefined || metadata.namespace === namespace)
    .filter(({ metadata }) => names.length === 0 || names.includes(metadata.name))
    .filter(({ metadata }) => matchesLabels(requirements, metadata.labels ?? {}));
  const missing = names.filter((name) => !objects.some(({ metadata }) => metadata.name === name));
  if (missing.length > 0) throw new Error(`there is no ${missing.join(', ')} here`);
  return [...objects].sort((a, b) => (keyText(keyOf(a)) < keyText(keyOf(b)) ? -1 : 1));
}

function requirementsOf(selector: string): readonly LabelRequirement[] {
  const parsed = parseLabelSelector(selector);
  if (!parsed.ok) throw new ConfigError([`--selector: ${parsed.problem}`]);
  return parsed.requirements;
}

function shown({ output }: Config, { namespace, names, live, ...listing }: Shown, nowMs: number): string {
  if (output === 'json') return `${JSON.stringify(asDocument(listing.objects, names), null, 2)}\n`;
  if (output === 'yaml') return stringify(asDocument(listing.objects, names));
  if (listing.objects.length === 0) return 'No objects found.\n';
  const wide = output === 'wide';
  const columns = listing.columns
    .filter(({ priority }) => wide || priority === 0)
    .map((column) => ({ ...column, read: jsonPath(column.jsonPath) }));
  const headings = [
    ...(namespace === undefined ? ['NAMESPACE'] : []),
    'NAME',
    ...columns.map(({ name }) => name),
    ...(wide ? ['LAST-CHANGE'] : []),
    ...(live === undefined ? [] : ['LAST-EVENT', 'LAST-FAILURE']),
  ];
  const rows = listing.objects.map((object) => [
    ...(namespace === undefined ? [cell(object.metadata.namespace)] : []),
    object.metadata.name,
    ...columns.map(({ type, read }) => (type === 'date' ? age(read(object), nowMs) : cell(read(object)))),
    ...(wide ? [lastChange(listing, keyText(keyOf(object)), nowMs)] : []),
    ...(live === undefined ? [] : liveCells(live, keyText(keyOf(object)), nowMs)),
  ]);
  return `${table(headings, rows)}\n`;
}

function lastChange({ lastEvents }: Listing, key: string, nowMs: number): string {
  const event = lastEvents.get(key);
  return event === undefined ? '<none>' : `${event.reason} ${age(event.time, nowMs)} ago`;
}

/** The last event that Meta sent for a page, and why the last one that failed did. */
function liveCells({ pages }: LivePages, key: string, nowMs: number): readonly string[] {
  const { lastEventMs, lastFailure } = pages.get(key) ?? {};
  const ago = (ms: number): string => `${age(new Date(ms).toISOString(), nowMs)} ago`;
  return [
    lastEventMs === undefined ? '<none>' : ago(lastEventMs),
    lastFailure === undefined ? '<none>' : `${cell(lastFailure.why)} ${ago(lastFailure.atMs)}`,
  ];
}

/** A list, unless one object was asked for by its name: as kubectl does. */
function asDocument(objects: Objects, names: readonly string[]): unknown {
  const [only] = objects;
  if (names.length === 1 && objects.length === 1) return only;
  return { apiVersion: 'v1', kind: 'List', items: objects };
}
