// Generated from crds/ by `npm run generate`. Do not edit.
import type { Condition, ObjectMeta } from '../meta.js';

export interface SecretKeyRef {
  readonly name: string;
  readonly key?: string;
}

export interface BackendService {
  readonly name: string;
  readonly port: number | string;
  readonly path?: string;
}

export interface Backend {
  readonly service?: BackendService;
  readonly url?: string;
  readonly signingSecretRef?: SecretKeyRef;
  readonly accepts?: readonly ('messaging' | 'standby' | 'changes')[];
  readonly timeout?: string;
  readonly maxInFlight?: number;
  readonly maxEventsPerRequest?: number;
  readonly maxRequestBytes?: number;
}

export interface LabelSelector {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly {
    readonly key: string;
    readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
    readonly values?: readonly string[];
  }[];
}

export interface MessengerAppSpec {
  readonly className?: string;
  readonly appId: string;
  readonly appSecretRef: SecretKeyRef;
  readonly previousAppSecretRef?: SecretKeyRef;
  readonly verifyTokenRef: SecretKeyRef;
  readonly graph?: { readonly version?: string };
  readonly webhook?: {
    readonly path?: string;
    readonly callbackUrl?: string;
    readonly subscription?: 'Observe' | 'Manage' | 'Ignore';
    readonly allowedFields?: readonly string[];
  };
  readonly allowedNamespaces?: { readonly from?: 'Same' | 'All' | 'Selector'; readonly selector?: LabelSelector };
  readonly pageDefaults?: {
    readonly subscribedFields?: readonly string[];
    readonly backend?: Backend;
    readonly deletionPolicy?: 'Unsubscribe' | 'Retain';
  };
  readonly suspend?: boolean;
}

export interface MessengerAppStatus {
  readonly observedGeneration?: number;
  readonly conditions?: readonly Condition[];
  readonly pages?: { readonly total: number; readonly ready: number };
  readonly subscription?: {
    readonly callbackUrl?: string;
    readonly active?: boolean;
    readonly fields?: readonly string[];
    readonly extraFields?: readonly string[];
  };
}

export interface MessengerApp {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: ObjectMeta;
  readonly spec: MessengerAppSpec;
  readonly status?: MessengerAppStatus;
}

export interface MessengerPageSpec {
  readonly pageId: string;
  readonly appRef: { readonly name: string; readonly namespace?: string };
  readonly accessTokenSecretRef: SecretKeyRef;
  readonly subscribedFields?: readonly string[];
  readonly backend?: Backend;
  readonly botConfig?: {
    readonly inline?: Readonly<Record<string, unknown>>;
    readonly configMapRef?: { readonly name: string; readonly key: string };
  };
  readonly managementPolicy?: 'Manage' | 'Observe';
  readonly deletionPolicy?: 'Unsubscribe' | 'Retain';
  readonly interval?: string;
  readonly suspend?: boolean;
}

export interface MessengerPageStatus {
  readonly observedGeneration?: number;
  readonly conditions?: readonly Condition[];
  readonly claim?: {
    readonly appId: string;
    readonly pageId: string;
    readonly state: 'Held' | 'Waiting' | 'Refused';
    readonly epoch: number;
  };
  readonly pageName?: string;
  readonly fieldsSummary?: string;
  readonly subscribedFields?: readonly string[];
  readonly effectiveFields?: readonly string[];
  readonly effective?: { readonly deletionPolicy?: string; readonly backend?: string };
  readonly token?: {
    readonly type?: string;
    readonly expires?: string;
    readonly expiresAt?: string;
    readonly dataAccessExpiresAt?: string;
    readonly scopes?: readonly string[];
    readonly fingerprint?: string;
  };
  readonly lastWriteTime?: string;
  readonly lastHandledReconcileAt?: string;
}

export interface MessengerPage {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: ObjectMeta;
  readonly spec: MessengerPageSpec;
  readonly status?: MessengerPageStatus;
}
