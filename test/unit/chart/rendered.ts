import { readFileSync } from 'node:fs';
import { parseAllDocuments } from 'yaml';

export interface Container {
  readonly name: string;
  readonly args: readonly string[];
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
  readonly lifecycle?: { readonly preStop: { readonly sleep: { readonly seconds: number } } };
  readonly [field: string]: unknown;
}

export interface PodSpec {
  readonly serviceAccountName: string;
  readonly terminationGracePeriodSeconds: number;
  readonly containers: readonly Container[];
  readonly [field: string]: unknown;
}

export interface PolicyRule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

/** Any object of a manifest, as far as the tests look at it. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly labels?: Readonly<Record<string, string>> };
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly rules?: readonly PolicyRule[];
}

/** Every object of a stream of YAML documents. */
export function manifestsOf(text: string): readonly Manifest[] {
  return parseAllDocuments(text)
    .map((document) => document.toJS() as Manifest | null)
    .filter((manifest) => manifest !== null);
}

/** What `helm template` made of the chart, as it is in the repository. */
export const installed: readonly Manifest[] = manifestsOf(readFileSync('deploy/install.yaml', 'utf8'));

/** The Pod of each Deployment, by its component: controller, webhook, pages-api. */
export function podsOf(manifests: readonly Manifest[]): ReadonlyMap<string, PodSpec> {
  const deployments = manifests.filter(({ kind }) => kind === 'Deployment');
  return new Map(
    deployments.map(({ metadata, spec }) => [
      metadata.labels?.['app.kubernetes.io/component'] ?? metadata.name,
      (spec as { template: { spec: PodSpec } }).template.spec,
    ]),
  );
}

/** The only container of a Pod. */
export function containerOf(pod: PodSpec): Container {
  const [container, ...others] = pod.containers;
  if (container === undefined || others.length > 0) throw new Error('a Pod of the chart has one container');
  return container;
}

/** `role | group | resource | verb` of every role. */
export function grantsOf(manifests: readonly Manifest[]): readonly string[] {
  return manifests.flatMap(({ metadata, rules = [] }) =>
    rules.flatMap(({ apiGroups, resources, verbs }) =>
      apiGroups.flatMap((group) =>
        resources.flatMap((resource) => verbs.map((verb) => [metadata.name, group, resource, verb].join(' | '))),
      ),
    ),
  );
}
