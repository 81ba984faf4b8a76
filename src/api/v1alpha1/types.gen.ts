// Generated from crds/ by `npm run generate`. Do not edit.
import type { Condition, ObjectMeta } from '../meta.js';

export interface SecretKeyRef {
  /** Name of the Secret. */
  readonly name: string;
  readonly key?: string;
}

export interface BackendService {
  /** Name of the Service. It must not be of type ExternalName. */
  readonly name: string;
  /** Port of the Service, a number from 1 to 65535 or the port's name. */
  readonly port: number | string;
  /** Path that events are posted to. "/webhooks/messenger" if not set. */
  readonly path?: string;
}

export interface Backend {
  readonly service?: BackendService;
  /**
   * An https URL to post events to, for a bot outside the cluster. Addresses of private networks are refused unless the
   * webhook's --backend-allow lists them. Exactly one of service and url is set.
   */
  readonly url?: string;
  readonly signingSecretRef?: SecretKeyRef;
  /**
   * The lists of an entry whose items the bot accepts, by name, such as messaging, standby, changes or calls. All if not
   * set. Items of other lists are acknowledged to Meta and counted, but not delivered.
   */
  readonly accepts?: readonly string[];
  /**
   * How long the bot may take to answer one request, 100ms to 60s. 4s if not set; with direct delivery at most 4s are used,
   * because Meta waits only 5s.
   */
  readonly timeout?: string;
  readonly maxInFlight?: number;
  /**
   * How many events one request to the bot may hold. 1 if not set, because Bottender reads only the first item of an entry;
   * 0 sends whole entries.
   */
  readonly maxEventsPerRequest?: number;
  /**
   * Largest request to the bot, in bytes. 92160 if not set, which is less than body-parser's 100 kB. Events are split into
   * several requests to stay below it; a larger single event is sent alone.
   */
  readonly maxRequestBytes?: number;
}

export interface LabelSelector {
  /** Labels that a namespace must have, with their values. */
  readonly matchLabels?: Readonly<Record<string, string>>;
  /** Requirements that a namespace must meet, all of them. */
  readonly matchExpressions?: readonly {
    /** The key of the label. */
    readonly key: string;
    /** In and NotIn compare with values; Exists and DoesNotExist check only whether the label is set. */
    readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
    /** The values for In and NotIn. */
    readonly values?: readonly string[];
  }[];
}

/** The desired state of this app. */
export interface MessengerAppSpec {
  /**
   * Which install of the operator handles this app and its pages: the one with the same --class. Empty or not set means the
   * install without a class. Immutable.
   */
  readonly className?: string;
  /**
   * The Facebook App's id, as digits in quotes (YAML would round a bare number). Immutable: create another MessengerApp for
   * another app.
   */
  readonly appId: string;
  /**
   * The Secret of this namespace that holds the app secret. The operator verifies webhooks with it, and calls Graph for the
   * app itself.
   */
  readonly appSecretRef: SecretKeyRef;
  /**
   * The Secret of this namespace that holds the app secret from before a rotation. While it is set, webhooks signed with
   * either secret are accepted.
   */
  readonly previousAppSecretRef?: SecretKeyRef;
  /** The Secret of this namespace that holds the verify token, which Meta sends when the callback URL is set. */
  readonly verifyTokenRef: SecretKeyRef;
  /** How the operator calls Graph for this app and its pages. */
  readonly graph?: {
    /** Version of the Graph API, for example v25.0. If not set: the operator's --graph-version. */
    readonly version?: string;
  };
  /** How Meta reaches the operator for this app. */
  readonly webhook?: {
    /**
     * Path on which the webhook serves this app. "/webhooks/messenger" if not set. At most 8 apps share a path; the signature
     * tells them apart. /healthz is reserved.
     */
    readonly path?: string;
    /** The public https URL of that path, which Meta calls. Required with subscription Manage. */
    readonly callbackUrl?: string;
    /**
     * What the operator does with the app's webhook subscription at Meta. Observe (if not set) reads it and reports what is
     * wrong. Manage keeps callback URL, verify token and fields correct (it only adds fields). Ignore leaves it alone.
     */
    readonly subscription?: 'Observe' | 'Manage' | 'Ignore';
    /** The fields, a set, that pages may cause the app to subscribe to. No limit if not set. */
    readonly allowedFields?: readonly string[];
  };
  /**
   * Whether every page of this app, those of its own namespace too, must have a signing secret of its own. A bot that holds
   * the app secret can forge events for all Pages of the app. If not set, true for an app that other namespaces may use.
   */
  readonly requireSigningSecret?: boolean;
  /** The namespaces whose pages may use this app. Only the app's own if not set. */
  readonly allowedNamespaces?: {
    /** Same (if not set) is the app's own namespace, All is every namespace, Selector those whose labels match selector. */
    readonly from?: 'Same' | 'All' | 'Selector';
    /** Which namespaces, by their labels. An empty selector matches every namespace. Only with from Selector. */
    readonly selector?: LabelSelector;
  };
  /** Defaults for fields that a page does not set. */
  readonly pageDefaults?: {
    /** The webhook fields, a set, of pages that set none. */
    readonly subscribedFields?: readonly string[];
    /** The backend of pages that set none. Its service and signing Secret are in the app's namespace. */
    readonly backend?: Backend;
    /**
     * What happens at Graph when a page is deleted that sets no deletionPolicy. Unsubscribe (if not set) removes the app from
     * the Page, Retain leaves it.
     */
    readonly deletionPolicy?: 'Unsubscribe' | 'Retain';
  };
  /** true stops every write to Graph for the app and its pages, deletions excepted. Events are still delivered. */
  readonly suspend?: boolean;
}

/** The observed state. Only the operator writes it. */
export interface MessengerAppStatus {
  /** The generation of the spec that this status describes; -1 until the operator has checked the object for the first time. */
  readonly observedGeneration?: number;
  /**
   * Accepted, CredentialsValid, GraphReachable and Subscribed, evaluated in this order, and Ready, which summarizes them.
   * Subscribed is absent with webhook.subscription Ignore. Reconciling and Stalled are present only while they are True.
   */
  readonly conditions?: readonly Condition[];
  /** The pages that refer to this app. */
  readonly pages?: {
    /** How many there are. */
    readonly total: number;
    /** How many of them are Ready. */
    readonly ready: number;
  };
  /** The app's webhook subscription for Pages, according to Meta. */
  readonly subscription?: {
    /** Where Meta sends events. */
    readonly callbackUrl?: string;
    /** Whether Meta sends events at all. */
    readonly active?: boolean;
    /** The fields that the app is subscribed to. */
    readonly fields?: readonly string[];
    /** The fields that no page of this app wants. The operator never removes them. */
    readonly extraFields?: readonly string[];
  };
}

/** Represents one Facebook App, which has one app secret and one callback URL. MessengerPages are connected to it. */
export interface MessengerApp {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: ObjectMeta;
  readonly spec: MessengerAppSpec;
  readonly status?: MessengerAppStatus;
}

/** The desired state of this Page. */
export interface MessengerPageSpec {
  /**
   * The Facebook Page's id, as digits in quotes (YAML would round a bare number). Immutable: create another MessengerPage
   * for another Page.
   */
  readonly pageId: string;
  /**
   * The MessengerApp that this Page is connected to. Immutable: to move a Page to another app, create a second
   * MessengerPage; both may exist at the same time.
   */
  readonly appRef: {
    /** Name of the MessengerApp. */
    readonly name: string;
    /**
     * Namespace of the MessengerApp, if it differs from the page's own. That app must allow the page's namespace in
     * allowedNamespaces.
     */
    readonly namespace?: string;
  };
  /**
   * The Secret of this namespace that holds the page access token. A new value is used within seconds, once Graph has
   * confirmed that it belongs to this Page and app.
   */
  readonly accessTokenSecretRef: SecretKeyRef;
  /**
   * The webhook fields that the Page is subscribed to, a set. If not set: the app's pageDefaults.subscribedFields, else
   * messages, messaging_postbacks, messaging_optins, messaging_referrals and messaging_policy_enforcement. An unknown name
   * is passed on to Graph, with a warning.
   */
  readonly subscribedFields?: readonly string[];
  /** Where this Page's events go. Optional if the app's pageDefaults has a backend; if set, it replaces all of that backend. */
  readonly backend?: Backend;
  /**
   * Free-form settings of this Page, which its bot reads from the Pages API. Not for secrets. Exactly one of inline and
   * configMapRef is set.
   */
  readonly botConfig?: {
    /**
     * The settings themselves, any object of at most 16 KiB as JSON. A schema cannot limit the size of free-form data, so the
     * operator checks it and reports InvalidSpec.
     */
    readonly inline?: Readonly<Record<string, unknown>>;
    /** A key of a ConfigMap of this namespace that holds the settings as one JSON or YAML object. */
    readonly configMapRef?: {
      /** Name of the ConfigMap. */
      readonly name: string;
      /** Key in the ConfigMap. */
      readonly key: string;
    };
  };
  /**
   * Manage (if not set) keeps the Page's subscription identical to the spec. Observe reports in the conditions what would
   * change and never writes to Graph; events are still delivered.
   */
  readonly managementPolicy?: 'Manage' | 'Observe';
  /**
   * What happens at Graph when this object is deleted. Unsubscribe removes the app from the Page, Retain leaves it. If not
   * set: the app's pageDefaults.deletionPolicy, else Unsubscribe.
   */
  readonly deletionPolicy?: 'Unsubscribe' | 'Retain';
  /** How often the Page is compared with Graph if nothing changes, 5m to 24h. If not set: the operator's --interval (30m). */
  readonly interval?: string;
  /**
   * true stops reconciling this Page: nothing is written to Graph until it is false again. Events are still delivered, and a
   * deletion still unsubscribes.
   */
  readonly suspend?: boolean;
}

/** The observed state. Only the operator writes it. */
export interface MessengerPageStatus {
  /** The generation of the spec that this status describes; -1 until the operator has checked the object for the first time. */
  readonly observedGeneration?: number;
  /**
   * Accepted, TokenValid, Claimed, Subscribed and Routable, evaluated in this order, and Ready, which summarizes them.
   * Reconciling and Stalled are present only while they are True.
   */
  readonly conditions?: readonly Condition[];
  /** Whether this object owns its Page in its app. Only the operator's leader decides this. Events are routed by it. */
  readonly claim?: {
    /** The app of the claim. */
    readonly appId: string;
    /** The Page of the claim. */
    readonly pageId: string;
    /** Held by this object, Waiting for another object to release it, or Refused because the app does not allow the namespace. */
    readonly state: 'Held' | 'Waiting' | 'Refused';
    /** Counts the holders of this claim. If two objects say Held, the one with the higher epoch holds it. */
    readonly epoch: number;
  };
  /** The Page's name at Facebook. */
  readonly pageName?: string;
  /** How many of the wanted fields Meta delivers, for example 5/5. */
  readonly fieldsSummary?: string;
  /** The fields that the Page is subscribed to, according to Graph. */
  readonly subscribedFields?: readonly string[];
  /** The fields that the app is subscribed to as well. Meta delivers these. */
  readonly effectiveFields?: readonly string[];
  /** What applies after merging the app's pageDefaults. */
  readonly effective?: {
    /** What happens at Graph when this object is deleted. */
    readonly deletionPolicy?: string;
    /** Where events go, for example "svc bots/clinic-bot:5000". */
    readonly backend?: string;
  };
  /** What Graph says about the page access token. Never the token itself. */
  readonly token?: {
    /** The token's type; it must be PAGE. */
    readonly type?: string;
    /** "never", or the day on which the token expires. */
    readonly expires?: string;
    /** When the token expires; not set if never. */
    readonly expiresAt?: string;
    /** When the app's access to data of the person who granted the token expires; not set if never. */
    readonly dataAccessExpiresAt?: string;
    /** The permissions that the token carries. */
    readonly scopes?: readonly string[];
    /**
     * Identifies the token value that Graph has confirmed: a keyed hash, 16 hexadecimal digits. The token cannot be computed
     * from it.
     */
    readonly fingerprint?: string;
  };
  /** When the operator last changed something for this Page at Graph. */
  readonly lastWriteTime?: string;
  /**
   * The last value of the annotation messenger-operator.dev/reconcile-at (or reconcile.fluxcd.io/requestedAt) that was
   * completed.
   */
  readonly lastHandledReconcileAt?: string;
}

/** Connects one Facebook Page to one MessengerApp. The Page's webhook events go to its backend, a bot. */
export interface MessengerPage {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: ObjectMeta;
  readonly spec: MessengerPageSpec;
  readonly status?: MessengerPageStatus;
}
