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
   * What the bot can take, a set of messaging, standby and changes. All if not set. The rest is answered and counted, not
   * delivered.
   */
  readonly accepts?: readonly ('messaging' | 'standby' | 'changes')[];
  /**
   * How long the bot may take to answer one request, 100ms to 60s. 4s if not set; with direct delivery at most 4s are used,
   * since Meta waits no longer than 5s.
   */
  readonly timeout?: string;
  readonly maxInFlight?: number;
  /**
   * How many events one request to the bot may hold. 1 if not set, because Bottender reads only the first item of an entry;
   * 0 sends whole entries.
   */
  readonly maxEventsPerRequest?: number;
  /**
   * Size that a request to the bot stays below where its events can be split, in bytes. 92160 if not set, which is less than
   * body-parser's 100 kB.
   */
  readonly maxRequestBytes?: number;
}

export interface LabelSelector {
  /** Labels that a namespace must have, with their values. */
  readonly matchLabels?: Readonly<Record<string, string>>;
  /** Requirements that a namespace must meet, all of them. */
  readonly matchExpressions?: readonly {
    /** The label that the requirement is about. */
    readonly key: string;
    /** In and NotIn compare with values; Exists and DoesNotExist ask for the label alone. */
    readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
    /** What In and NotIn compare with. */
    readonly values?: readonly string[];
  }[];
}

/** What is wanted for this app. */
export interface MessengerAppSpec {
  /**
   * Which install of the operator handles this app and its pages: the one with the same --class. Empty, the same as not set,
   * is the install without a class. Immutable.
   */
  readonly className?: string;
  /**
   * The Facebook App's id, as digits in quotes (YAML would round a bare number). Immutable: for another app make another
   * MessengerApp.
   */
  readonly appId: string;
  /**
   * The Secret of this namespace that holds the app secret. Webhooks are verified with it, and Graph is called with it for
   * the app itself.
   */
  readonly appSecretRef: SecretKeyRef;
  /**
   * The Secret of this namespace that holds the app secret as it was before a rotation. While it is set, webhooks signed
   * with either verify.
   */
  readonly previousAppSecretRef?: SecretKeyRef;
  /** The Secret of this namespace that holds the verify token, which Meta repeats when the callback URL is set. */
  readonly verifyTokenRef: SecretKeyRef;
  /** How Graph is called for this app and its pages. */
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
    /** The public https URL of that path, as Meta calls it. Required with subscription Manage. */
    readonly callbackUrl?: string;
    /**
     * What the operator does with the app's webhook subscription at Meta. Observe (if not set) reads it and says what is
     * wrong, Manage keeps callback URL, verify token and fields right (it only ever adds fields), Ignore leaves it alone.
     */
    readonly subscription?: 'Observe' | 'Manage' | 'Ignore';
    /** A bound, a set: pages can have the app subscribed to these fields only. No bound if not set. */
    readonly allowedFields?: readonly string[];
  };
  /** The namespaces whose pages may use this app. Only the app's own if not set. */
  readonly allowedNamespaces?: {
    /** Same (if not set) is the app's own namespace, All is every namespace, Selector those whose labels match selector. */
    readonly from?: 'Same' | 'All' | 'Selector';
    /** Which namespaces, by their labels. An empty selector matches every namespace. Only with from Selector. */
    readonly selector?: LabelSelector;
  };
  /** What pages of this app use for fields that they do not set. */
  readonly pageDefaults?: {
    /** The webhook fields of pages that set none, a set. */
    readonly subscribedFields?: readonly string[];
    /** Where events go of pages that set no backend. A service and a signing Secret are those of the app's namespace. */
    readonly backend?: Backend;
    /**
     * What happens at Graph when a page is deleted that sets no deletionPolicy. Unsubscribe (if not set) takes the app's
     * subscription off the Page, Retain leaves it.
     */
    readonly deletionPolicy?: 'Unsubscribe' | 'Retain';
  };
  /** true stops every write to Graph for the app and its pages, deletions excepted. Events are still delivered. */
  readonly suspend?: boolean;
}

/** What the operator has seen and done. Written by the operator alone. */
export interface MessengerAppStatus {
  /** The generation of the spec that this status is about; -1 until the operator has looked for the first time. */
  readonly observedGeneration?: number;
  /**
   * Accepted, CredentialsValid, GraphReachable and Subscribed, judged in this order, and Ready, which sums them up.
   * Subscribed is not there with webhook.subscription Ignore; Reconciling and Stalled are there only while they are True.
   */
  readonly conditions?: readonly Condition[];
  /** The pages that refer to this app. */
  readonly pages?: {
    /** How many there are. */
    readonly total: number;
    /** How many of them are Ready. */
    readonly ready: number;
  };
  /** The app's webhook subscription for Pages, as Meta says. */
  readonly subscription?: {
    /** Where Meta sends events. */
    readonly callbackUrl?: string;
    /** Whether Meta sends events at all. */
    readonly active?: boolean;
    /** The fields that the app is subscribed to. */
    readonly fields?: readonly string[];
    /** Those of them that no page of this app wants. They are never taken away. */
    readonly extraFields?: readonly string[];
  };
}

/**
 * One Facebook App, the unit that Meta signs webhooks for and that owns one callback URL. MessengerPages are connected to
 * it.
 */
export interface MessengerApp {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: ObjectMeta;
  readonly spec: MessengerAppSpec;
  readonly status?: MessengerAppStatus;
}

/** What is wanted for this Page. */
export interface MessengerPageSpec {
  /**
   * The Facebook Page's id, as digits in quotes (YAML would round a bare number). Immutable: for another Page make another
   * MessengerPage.
   */
  readonly pageId: string;
  /**
   * The MessengerApp that this Page is connected to. Immutable: to move a Page to another app, make a second MessengerPage;
   * both may exist meanwhile.
   */
  readonly appRef: {
    /** Name of the MessengerApp. */
    readonly name: string;
    /** Namespace of the MessengerApp, if it is another one than the page's own. That app must allow it in allowedNamespaces. */
    readonly namespace?: string;
  };
  /**
   * The Secret of this namespace that holds the page access token. A new value in it is used within seconds, after Graph has
   * proven it to be of this Page and app.
   */
  readonly accessTokenSecretRef: SecretKeyRef;
  /**
   * The webhook fields that the Page is subscribed to, a set. If not set: the app's pageDefaults.subscribedFields, else
   * messages, messaging_postbacks, messaging_optins, messaging_referrals and messaging_policy_enforcement. A name that is
   * not known is passed on to Graph, with a warning.
   */
  readonly subscribedFields?: readonly string[];
  /**
   * Where this Page's events go. May be left out if the app's pageDefaults has a backend; if set, it replaces that one as a
   * whole.
   */
  readonly backend?: Backend;
  /**
   * Free-form settings of this Page for its bot, which reads them with the page from the Pages API. Not for secrets. Exactly
   * one of inline and configMapRef is set.
   */
  readonly botConfig?: {
    /**
     * The settings themselves, any object of at most 16 KiB as JSON. The size of free-form data cannot be told in a schema:
     * the operator checks it and says InvalidSpec.
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
   * Manage (if not set) keeps the Page's subscription right. Observe says in the conditions what would change and never
   * writes to Graph; events are delivered all the same.
   */
  readonly managementPolicy?: 'Manage' | 'Observe';
  /**
   * What happens at Graph when this object is deleted. Unsubscribe takes the app's subscription off the Page, Retain leaves
   * it. If not set: the app's pageDefaults.deletionPolicy, else Unsubscribe.
   */
  readonly deletionPolicy?: 'Unsubscribe' | 'Retain';
  /**
   * How often the Page is compared with Graph when nothing else asks for it, 5m to 24h. If not set: the operator's
   * --interval (30m).
   */
  readonly interval?: string;
  /**
   * true stops reconciling this Page: nothing is written to Graph until it is false again. Events are still delivered, and a
   * deletion still unsubscribes.
   */
  readonly suspend?: boolean;
}

/** What the operator has seen and done. Written by the operator alone. */
export interface MessengerPageStatus {
  /** The generation of the spec that this status is about; -1 until the operator has looked for the first time. */
  readonly observedGeneration?: number;
  /**
   * Accepted, TokenValid, Claimed, Subscribed and Routable, judged in this order, and Ready, which sums them up. Reconciling
   * and Stalled are there only while they are True.
   */
  readonly conditions?: readonly Condition[];
  /** Whether this object owns its Page in its app. Decided by the operator's leader alone; events are routed by it. */
  readonly claim?: {
    /** The app of the claim. */
    readonly appId: string;
    /** The Page of the claim. */
    readonly pageId: string;
    /** Held by this object, Waiting for another object to let go, or Refused because the app does not consent. */
    readonly state: 'Held' | 'Waiting' | 'Refused';
    /** Counts the holders of this claim; where two objects say Held, the higher epoch holds it. */
    readonly epoch: number;
  };
  /** The Page's name at Facebook. */
  readonly pageName?: string;
  /** Number of wanted fields that Meta delivers, of those wanted, for example 5/5. */
  readonly fieldsSummary?: string;
  /** The fields that the Page is subscribed to, as Graph says. */
  readonly subscribedFields?: readonly string[];
  /** Those fields that the app is subscribed to as well. Meta delivers these. */
  readonly effectiveFields?: readonly string[];
  /** What applies once the app's pageDefaults are counted in. */
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
     * Tells the token value that Graph has proven from others: a keyed hash, 16 hexadecimal digits. The token cannot be
     * computed from it.
     */
    readonly fingerprint?: string;
  };
  /** When the operator last changed something for this Page at Graph. */
  readonly lastWriteTime?: string;
  /**
   * The last value of the annotation messenger-operator.dev/reconcile-at (or reconcile.fluxcd.io/requestedAt) that was acted
   * on.
   */
  readonly lastHandledReconcileAt?: string;
}

/** One Facebook Page, connected to one MessengerApp. Its webhook events go to the bot that it names. */
export interface MessengerPage {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: ObjectMeta;
  readonly spec: MessengerPageSpec;
  readonly status?: MessengerPageStatus;
}
