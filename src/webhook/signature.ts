import { createHmac, timingSafeEqual } from 'node:crypto';
import { hmacOf } from '../core/secrets/hmac.js';
import { MAX_APPS_PER_PATH, type WebhookApp } from '../core/ports/page-lookup.js';
import type { Secret } from '../core/secrets/secret.js';
import { MAX_SECRETS_PER_APP } from './limits.js';

const PREFIX = 'sha256=';
const SHAPE = /^sha256=[0-9a-fA-F]{64}$/;
/**
 * Up to this size the HMACs are computed at the end, the likely one first. Longer bodies are hashed
 * with every secret as they arrive.
 */
const HASH_AT_END_BYTES = 64 * 1_024;
const MAX_REMEMBERED_PATHS = 1_024;

/**
 * `X-Hub-Signature-256` in lower case; undefined if the header is missing or is not `sha256=` and
 * 64 hex digits.
 */
export function wellFormedSignature(header: string | readonly string[] | undefined): string | undefined {
  return typeof header === 'string' && SHAPE.test(header) ? header.toLowerCase() : undefined;
}

const NOTHING = Buffer.alloc(0);
const HEX_DIGITS = 64;
const ours = Buffer.alloc(HEX_DIGITS);
const theirs = Buffer.alloc(HEX_DIGITS);

/** In constant time. */
function isDigestOf(signature: string, hex: string): boolean {
  ours.write(hex, 'latin1');
  theirs.write(signature.slice(PREFIX.length), 'latin1');
  return timingSafeEqual(ours, theirs);
}

/** One secret of a path and all apps that have it. */
export interface Candidate {
  readonly secret: Secret;
  readonly apps: readonly WebhookApp[];
}

/**
 * The secrets of a path. The list is replaced, never changed: a check that is under way keeps its
 * own order.
 */
interface PathSecrets {
  readonly apps: readonly WebhookApp[];
  /** The one that verified last is first. */
  candidates: readonly Candidate[];
}

/** Makes a check for each POST of a path from the current and previous secrets of its apps. */
export class SignatureChecks {
  readonly #paths = new Map<string, PathSecrets>();

  begin(path: string, apps: readonly WebhookApp[], signature: string): SignatureCheck {
    let known = this.#paths.get(path);
    if (known?.apps !== apps) {
      known = { apps, candidates: candidatesOf(apps, known?.candidates[0]?.secret) };
      if (this.#paths.size >= MAX_REMEMBERED_PATHS) this.#paths.clear();
      this.#paths.set(path, known);
    }
    return new SignatureCheck(known, signature);
  }
}

function candidatesOf(apps: readonly WebhookApp[], lastSeen: Secret | undefined): Candidate[] {
  const found: { secret: Secret; apps: WebhookApp[] }[] = [];
  for (const app of apps.slice(0, MAX_APPS_PER_PATH)) {
    for (const secret of app.appSecrets.slice(0, MAX_SECRETS_PER_APP)) {
      const same = found.find((candidate) => candidate.secret.equals(secret));
      if (same === undefined) found.push({ secret, apps: [app] });
      else if (!same.apps.includes(app)) same.apps.push(app);
    }
  }
  const last = found.findIndex(({ secret }) => secret.equals(lastSeen));
  if (last > 0) found.unshift(...found.splice(last, 1));
  return found;
}

type Running = ReturnType<typeof createHmac>;

/** Hashes the raw bytes of one body as they arrive. Without any secret nothing verifies. */
export class SignatureCheck {
  /** `sha256=` and lower-case hex, as the request has it. */
  readonly signature: string;
  readonly #path: PathSecrets;
  readonly #candidates: readonly Candidate[];
  #held: Buffer[] = [];
  #heldBytes = 0;
  #running: Running[] | undefined;

  constructor(path: PathSecrets, signature: string) {
    this.signature = signature;
    this.#path = path;
    this.#candidates = path.candidates;
  }

  update(chunk: Buffer): void {
    if (this.#running === undefined) {
      this.#held.push(chunk);
      this.#heldBytes += chunk.length;
      if (this.#heldBytes > HASH_AT_END_BYTES) this.#startRunning();
      return;
    }
    for (const hmac of this.#running) hmac.update(chunk);
  }

  /** The candidate whose secret signed exactly these bytes, or undefined. Call it once. */
  finish(): Candidate | undefined {
    for (let i = 0; i < this.#candidates.length; i++) {
      const candidate = this.#candidates[i];
      if (candidate === undefined || !isDigestOf(this.signature, this.#digest(i, candidate))) continue;
      if (i > 0) this.#path.candidates = [candidate, ...this.#candidates.filter((other) => other !== candidate)];
      return candidate;
    }
    return undefined;
  }

  /** In hex. */
  #digest(at: number, { secret }: Candidate): string {
    const running = this.#running?.[at];
    if (running !== undefined) return running.digest('hex');
    if (this.#held.length > 1) this.#held = [Buffer.concat(this.#held)];
    return hmacOf('sha256', secret).hex(this.#held[0] ?? NOTHING);
  }

  #startRunning(): void {
    this.#running = this.#candidates.map(({ secret }) => createHmac('sha256', secret.reveal()));
    for (const hmac of this.#running) for (const chunk of this.#held) hmac.update(chunk);
    this.#held = [];
  }
}
