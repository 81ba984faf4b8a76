import { randomBytes } from 'node:crypto';
import { mkdir, open, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { AuditEntry } from './control-plane-audit.js';

/** Names the folder that scripts/test.mjs reads the records from, once all suites have run. */
const FOLDER = 'TEST_GRANT_USAGE';
const MAX_SAMPLES = 50;

/** Requests that a test has the API server refuse on purpose. */
export interface ExpectedRefusal {
  /** controller, webhook, pages-api: the end of the ServiceAccount's name. */
  readonly role: string;
  /** All verbs if not given. */
  readonly verb?: string;
  /** Plural, with `/subresource` if it has one; all if not given. */
  readonly resource?: string;
  /** All namespaces if not given. */
  readonly namespace?: string;
  /** Why the test does it, for the reader. */
  readonly because: string;
}

/**
 * While the API server came up, whose authorizer has not listed its roles yet; ms since the epoch.
 */
export interface Interval {
  readonly fromMs: number;
  readonly toMs: number;
}

/** What one ServiceAccount did with one right. */
export interface GrantUse {
  /** `namespace:name` */
  readonly account: string;
  readonly verb: string;
  readonly group: string;
  /** Plural, with `/subresource` if it has one. */
  readonly resource: string;
  /** HTTP status → how often. */
  readonly codes: Record<string, number>;
}

/** A 403, and why it may be one. */
export interface Refusal {
  readonly account: string;
  readonly verb: string;
  readonly uri: string;
  readonly message: string;
  /** How often the same was refused. */
  count: number;
}

/** What the operator's accounts asked of one API server. */
export interface UsageRecord {
  /** The test file, as far as it is known. */
  readonly file: string;
  readonly uses: readonly GrantUse[];
  /** What no test expected. */
  readonly refused: readonly Refusal[];
  readonly expected: readonly { readonly because: string; readonly count: number }[];
}

/**
 * What an audit log says of the ServiceAccounts outside kube-system; nothing is kept in memory but
 * the sums.
 */
export class UsageSums {
  readonly #expected: readonly ExpectedRefusal[];
  readonly #starts: readonly Interval[];
  readonly #uses = new Map<string, GrantUse>();
  readonly #refused = new Map<string, Refusal>();
  readonly #met = new Map<string, number>();

  constructor(expected: readonly ExpectedRefusal[], starts: readonly Interval[]) {
    this.#expected = expected;
    this.#starts = starts;
  }

  add(entry: AuditEntry): void {
    const account = accountIn(entry.user.username);
    const resource = resourceOf(entry);
    if (account === undefined || resource === undefined || isEndOfWatch(entry)) return;
    const code = entry.responseStatus?.code ?? 0;
    this.#count({ account, verb: entry.verb, group: entry.objectRef?.apiGroup ?? '', resource }, code);
    if (code === 403) this.#refusal(entry, account, resource);
  }

  #count(right: Omit<GrantUse, 'codes'>, code: number): void {
    const key = Object.values(right).join(' ');
    const use = this.#uses.get(key) ?? { ...right, codes: {} };
    this.#uses.set(key, use);
    use.codes[code] = (use.codes[code] ?? 0) + 1;
  }

  record(file: string): UsageRecord {
    return {
      file,
      uses: [...this.#uses.values()],
      refused: [...this.#refused.values()],
      expected: [...this.#met].map(([because, count]) => ({ because, count })),
    };
  }

  #refusal(entry: AuditEntry, account: string, resource: string): void {
    const why = this.#excuse(entry, account, resource);
    if (why !== undefined) {
      this.#met.set(why, (this.#met.get(why) ?? 0) + 1);
      return;
    }
    const { verb, requestURI: uri, responseStatus } = entry;
    const key = [account, verb, uri.replace(/\?.*/, '')].join(' ');
    const known = this.#refused.get(key);
    if (known !== undefined) known.count += 1;
    else if (this.#refused.size < MAX_SAMPLES)
      this.#refused.set(key, { account, verb, uri, message: responseStatus?.message ?? '', count: 1 });
  }

  #excuse({ verb, objectRef, annotations, requestReceivedTimestamp }: AuditEntry, account: string, resource: string): string | undefined {
    const allowed = annotations?.['authorization.k8s.io/decision'] === 'allow';
    // Not for lack of a right: the Event is recorded in the operator's namespace then, as the
    // design says.
    if (allowed && verb === 'create' && resource === 'events') return 'an Event for a namespace that is being deleted';
    const atMs = Date.parse(requestReceivedTimestamp);
    if (this.#starts.some(({ fromMs, toMs }) => atMs >= fromMs && atMs <= toMs)) return 'the API server was starting';
    return this.#expected.find(
      (one) =>
        account.endsWith(`-${one.role}`) &&
        (one.verb === undefined || one.verb === verb) &&
        (one.resource === undefined || one.resource === resource) &&
        (one.namespace === undefined || one.namespace === objectRef?.namespace),
    )?.because;
  }
}

/**
 * Puts what the audit log says into the folder that scripts/test.mjs names; does nothing without
 * one.
 */
export async function recordUsage(auditLog: string, expected: readonly ExpectedRefusal[], starts: readonly Interval[]): Promise<void> {
  const folder = process.env[FOLDER];
  if (folder === undefined || folder === '') return;
  const sums = new UsageSums(expected, starts);
  const log = await open(auditLog);
  // Closes itself at the end.
  for await (const line of log.readLines()) {
    const entry = line.includes('"system:serviceaccount:') ? parsed(line) : undefined;
    if (entry !== undefined) sums.add(entry);
  }
  await put(folder, 'usage', sums.record(testFile()));
}

/**
 * Puts rendered manifests beside the usage, so that rights which only some values of the chart give
 * are looked for as well.
 */
export async function recordManifests(yaml: string): Promise<void> {
  const folder = process.env[FOLDER];
  if (folder === undefined || folder === '') return;
  await put(folder, 'manifests', { yaml });
}

async function put(folder: string, kind: string, content: unknown): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, `${kind}-${randomBytes(6).toString('hex')}.json`), JSON.stringify(content));
}

/** undefined for the last line of a server that was killed. */
function parsed(line: string): AuditEntry | undefined {
  try {
    return JSON.parse(line) as AuditEntry;
  } catch {
    return undefined;
  }
}

/** undefined for what is no resource, such as /version. */
function resourceOf({ objectRef }: AuditEntry): string | undefined {
  return objectRef?.subresource === undefined ? objectRef?.resource : `${objectRef.resource ?? ''}/${objectRef.subresource}`;
}

/** A watch is in the log twice, when it began and when it ended. */
function isEndOfWatch({ stage, verb, responseStatus }: AuditEntry): boolean {
  return stage === 'ResponseComplete' && verb === 'watch' && responseStatus?.code === 200;
}

function accountIn(username: string): string | undefined {
  const [, account] = /^system:serviceaccount:((?!kube-system:).+)$/.exec(username) ?? [];
  return account;
}

/** The control plane is used by scripts as well, where there is no jest. */
function testFile(): string {
  const { expect } = globalThis as { readonly expect?: { getState?(): { readonly testPath?: string } } };
  const path = expect?.getState?.().testPath;
  return path === undefined ? 'a script' : relative(process.cwd(), path);
}
