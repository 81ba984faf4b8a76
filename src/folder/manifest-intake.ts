import { API_VERSION, GROUP } from '../api/v1alpha1/constants.js';
import type { Logger } from '../kit/log.js';
import { keyText, type NamespacedName } from '../core/domain/object-key.js';
import { configMapContent, type DataContent, type DataResult, secretContent } from './data-object.js';
import type { KindValidator } from './kind-validator.js';
import type { ManifestDocument } from './manifest-file.js';
import { identityOf, type ManifestMeta, metaOf, metaProblems } from './object-meta.js';
import type { Problem } from './problem.js';
import type { FieldProblem } from './schema-problems.js';

/** A manifest that may be used, by what it is. */
export type Accepted = { readonly kind: string; readonly id: string; readonly meta: ManifestMeta } & (
  | { readonly what: 'object'; readonly content: Readonly<Record<string, unknown>> }
  | { readonly what: 'data'; readonly content: DataContent }
);

export interface Intake {
  readonly accepted: readonly Accepted[];
  /**
   * Every object that some manifest speaks of, the invalid ones too: these are there, whatever is
   * wrong with them.
   */
  readonly mentioned: ReadonlySet<string>;
  readonly problems: readonly Problem[];
  /** Some manifest does not even say which object it is about. */
  readonly nameless: boolean;
}

export interface IntakeOptions {
  /** By kind. */
  readonly validators: ReadonlyMap<string, KindValidator>;
  /** The object as it was accepted last. */
  readonly current: (kind: string, key: NamespacedName) => object | undefined;
  /** Empty: all. */
  readonly namespaces: ReadonlySet<string>;
  readonly log: Logger;
}

const CORE_KINDS = new Set(['Secret', 'ConfigMap', 'Service', 'Namespace']);

/** `MessengerPage bots/clinic-a`; a cluster-scoped kind has no namespace. */
export function objectId(kind: string, { namespace, name }: NamespacedName): string {
  return `${kind} ${namespace === '' ? name : keyText({ namespace, name })}`;
}

type Judged = { readonly accepted: Accepted } | { readonly problems: readonly FieldProblem[] };

/** Judges the documents of one scan: which are of use, and what is wrong with the others. */
export class ManifestIntake {
  readonly #options: IntakeOptions;
  readonly #accepted = new Map<string, Accepted>();
  readonly #mentioned = new Map<string, ManifestDocument>();
  readonly #problems: Problem[] = [];
  #nameless = false;

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  take(documents: readonly ManifestDocument[]): Intake {
    for (const document of documents) this.#document(document);
    return {
      accepted: [...this.#accepted.values()],
      mentioned: new Set(this.#mentioned.keys()),
      problems: this.#problems,
      nameless: this.#nameless,
    };
  }

  #document(document: ManifestDocument): void {
    const { apiVersion, kind, metadata } = document.value;
    const known = this.#kindOf(apiVersion, kind, document);
    if (known === undefined) return;
    const key = identityOf(metadata, known !== 'Namespace');
    if (key === undefined) {
      this.#nameless = true;
      this.#problem(document, known, { field: 'metadata.name', message: 'is missing' });
    } else if (this.#isWatched(known, key)) this.#object(document, known, key);
  }

  #object(document: ManifestDocument, kind: string, key: NamespacedName): void {
    const id = objectId(kind, key);
    const first = this.#mentioned.get(id);
    if (first !== undefined) {
      const message = `is defined a second time; the first one, in ${first.file}, document ${first.document}, is used. Remove one of them`;
      this.#problem(document, id, { field: '', message });
      return;
    }
    this.#mentioned.set(id, document);
    const judged = this.#judge(document.value, kind, key);
    if ('accepted' in judged) this.#accepted.set(id, judged.accepted);
    else for (const problem of judged.problems) this.#problem(document, id, problem);
  }

  #judge(value: Readonly<Record<string, unknown>>, kind: string, key: NamespacedName): Judged {
    const metadata = value['metadata'] as Record<string, unknown>;
    const namespaced = kind !== 'Namespace';
    const problems = [...metaProblems(metadata, namespaced)];
    const validator = this.#options.validators.get(kind);
    if (validator !== undefined) problems.push(...validator.check(value, this.#options.current(kind, key)));
    const data = dataOf(kind, value);
    if (data !== undefined && 'problems' in data) problems.push(...data.problems);
    if (problems.length > 0) return { problems };
    const base = { kind, id: objectId(kind, key), meta: metaOf(metadata, namespaced) };
    if (data !== undefined && 'content' in data) return { accepted: { ...base, what: 'data', content: data.content } };
    return { accepted: { ...base, what: 'object', content: 'spec' in value ? { spec: value['spec'] } : {} } };
  }

  /** The kind's name, for the kinds that are of use here. */
  #kindOf(apiVersion: unknown, kind: unknown, document: ManifestDocument): string | undefined {
    if (typeof apiVersion !== 'string' || typeof kind !== 'string') {
      this.#nameless = true;
      this.#problem(document, '', { field: typeof kind === 'string' ? 'apiVersion' : 'kind', message: 'is missing, or is not text' });
      return undefined;
    }
    if (apiVersion === 'v1' && CORE_KINDS.has(kind)) return kind;
    if (apiVersion === API_VERSION && this.#options.validators.has(kind)) return kind;
    if (apiVersion.split('/')[0] === GROUP) {
      this.#nameless = true;
      const kinds = [...this.#options.validators.keys()].join(' and ');
      this.#problem(document, '', { field: 'apiVersion', message: `${GROUP} has only ${API_VERSION} with ${kinds}` });
      return undefined;
    }
    this.#options.log.debug('a manifest of another kind is ignored', {
      file: document.file,
      document: document.document,
      apiVersion,
      kind,
    });
    return undefined;
  }

  #isWatched(kind: string, { namespace, name }: NamespacedName): boolean {
    const { namespaces } = this.#options;
    return namespaces.size === 0 || namespaces.has(kind === 'Namespace' ? name : namespace);
  }

  #problem({ file, document, line }: ManifestDocument, object: string, { field, message }: FieldProblem): void {
    this.#problems.push({ file, document, line, object, field, message });
  }
}

function dataOf(kind: string, value: Readonly<Record<string, unknown>>): DataResult | undefined {
  if (kind === 'Secret') return secretContent(value);
  return kind === 'ConfigMap' ? configMapContent(value) : undefined;
}
