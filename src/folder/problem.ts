/** Why a manifest is not used, for the person who wrote it. Never contains a secret's value. */
export interface Problem {
  /** Relative to the folder of the manifests; empty: about the folder itself. */
  readonly file: string;
  /** 1 for the first document of the file; undefined: about the file as a whole. */
  readonly document?: number;
  readonly line?: number;
  /** `MessengerPage bots/clinic-a`, as far as it is known. */
  readonly object?: string;
  /** `spec.backend.url` */
  readonly field?: string;
  /** What is wrong, and what mends it. */
  readonly message: string;
}

/** One sentence that says where and what. */
export function problemText({ file, document, line, object, field, message }: Problem): string {
  const where = [
    file,
    document === undefined ? '' : `document ${document}${line === undefined ? '' : ` (line ${line})`}`,
    object ?? '',
    field ?? '',
  ];
  const place = where.filter((part) => part !== '').join(', ');
  return place === '' ? message : `${place}: ${message}`;
}
