import { readFile } from 'node:fs/promises';

/** One line of the API server's audit log, the fields that tests ask about. */
export interface AuditEntry {
  readonly stage: 'ResponseStarted' | 'ResponseComplete' | 'Panic';
  readonly verb: string;
  readonly requestURI: string;
  readonly user: { readonly username: string; readonly groups?: readonly string[] };
  readonly userAgent?: string;
  readonly objectRef?: {
    readonly apiGroup?: string;
    readonly resource?: string;
    readonly subresource?: string;
    readonly namespace?: string;
    readonly name?: string;
  };
  readonly responseStatus?: { readonly code: number; readonly reason?: string; readonly message?: string };
  /** `authorization.k8s.io/decision` is allow or forbid. */
  readonly annotations?: Readonly<Record<string, string>>;
  /** When the request came, RFC 3339 with microseconds. */
  readonly requestReceivedTimestamp: string;
}

/**
 * The audit log's entries so far, oldest first; a watch that ended is in it twice (started,
 * complete).
 */
export async function readAuditLog(path: string): Promise<readonly AuditEntry[]> {
  const text = await readFile(path, 'utf8');
  // What follows the last line break is a line still being written.
  return text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as AuditEntry);
}
