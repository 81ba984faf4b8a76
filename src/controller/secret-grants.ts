import type { Condition } from '../api/meta.js';
import type { NamespacedName } from '../core/domain/object-key.js';
import type { SecretAccess, SecretReader } from '../core/ports/secret-access.js';

/** A Secret that another role of the operator may not read. */
export interface MissingGrant {
  /** Which role of which ServiceAccount, on what, and the Role that mends it. */
  readonly message: string;
  /** No watch tells of a new Role: when to ask again, in milliseconds. */
  readonly recheckMs: number;
}

export interface GrantQuestion {
  readonly reader: SecretReader;
  /** Of one namespace. */
  readonly secrets: readonly NamespacedName[];
  /** The condition's reason for a missing grant. */
  readonly reason: string;
  /**
   * The condition as it is: once it has had that reason for ten minutes, the question is asked less
   * often.
   */
  readonly before: Condition | undefined;
  readonly nowMs: number;
}

const TITLES: Readonly<Record<SecretReader, string>> = { webhook: 'the webhook', 'pages-api': 'the Pages API' };
const SOON_MS = 30_000;
const LATER_MS = 5 * 60_000;
const LONG_MS = 10 * 60_000;

/** Asks whether a role may read these Secrets. undefined: it may, or that is not known. */
export async function missingGrant(
  access: SecretAccess | undefined,
  { reader, secrets, reason, before, nowMs }: GrantQuestion,
  signal: AbortSignal,
): Promise<MissingGrant | undefined> {
  if (access === undefined) return undefined;
  const unread = new Set<string>();
  let account: string | undefined;
  for (const secret of secrets) {
    const refused = await access.refused(reader, secret, signal);
    if (refused === undefined) continue;
    account = refused;
    unread.add(secret.name);
  }
  const [first] = secrets;
  if (account === undefined || first === undefined) return undefined;
  const message = sentence({ who: TITLES[reader], account, namespace: first.namespace, names: [...unread] });
  const saidForMs = before?.status === 'False' && before.reason === reason ? nowMs - Date.parse(before.lastTransitionTime) : 0;
  return { message, recheckMs: saidForMs < LONG_MS ? SOON_MS : LATER_MS };
}

function sentence(missing: {
  readonly who: string;
  readonly account: string;
  readonly namespace: string;
  readonly names: readonly string[];
}): string {
  const { who, account, namespace, names } = missing;
  const secrets = `Secret ${names.map((name) => `${namespace}/${name}`).join(', ')}`;
  const rule = `{apiGroups: [""], resources: [secrets], resourceNames: [${names.join(', ')}], verbs: [get]}`;
  return `${who} may not read ${secrets}: give the ServiceAccount ${account} a Role in ${namespace} with ${rule}`;
}
