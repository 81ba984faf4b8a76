/**
 * Conditions of a MessengerPage in the order in which they are judged: `Ready` gives the first
 * failing one's reason.
 */
export const PAGE_CONDITIONS = ['Accepted', 'TokenValid', 'Claimed', 'Subscribed', 'Routable'] as const;
export type PageConditionType = (typeof PAGE_CONDITIONS)[number];

/** Conditions of a MessengerApp in the order in which they are judged. */
export const APP_CONDITIONS = ['Accepted', 'CredentialsValid', 'GraphReachable', 'Subscribed'] as const;
export type AppConditionType = (typeof APP_CONDITIONS)[number];

/**
 * Reasons of a condition that is not True: the closed set that users see (design: the CRD's
 * documentation).
 */
export const PAGE_REASONS = {
  Accepted: ['AppNotFound', 'AppNotAllowed', 'AppNotAccepted', 'InvalidSpec'],
  TokenValid: [
    'SecretNotFound',
    'SecretKeyMissing',
    'SecretNotReadable',
    'TokenMalformed',
    'TokenExpired',
    'TokenInvalidated',
    'TokenWrongType',
    'TokenWrongPage',
    'TokenWrongApp',
    'TokenMissingScopes',
    'PageNotGranted',
    'GraphUnavailable',
    'RateLimited',
  ],
  Claimed: ['PageClaimed', 'NotProven'],
  Subscribed: [
    'InvalidField',
    'PermissionDenied',
    'AppFieldRefused',
    'AppFieldsMissing',
    'Contested',
    'Observed',
    'GraphUnavailable',
    'RateLimited',
  ],
  Routable: ['NoBackend', 'BackendNotFound', 'BackendNotAllowed', 'SigningSecretRequired', 'SigningSecretNotFound'],
} as const satisfies Record<PageConditionType, readonly string[]>;

export const APP_REASONS = {
  Accepted: [
    'AppClaimed',
    'PathCrowded',
    'SecretNotFound',
    'SecretKeyMissing',
    'SecretMalformed',
    'SecretNotReadable',
    'AppSecretInvalid',
    'AppIdMismatch',
    'InvalidSpec',
    'GraphUnavailable',
    'RateLimited',
  ],
  CredentialsValid: ['AppSecretInvalid', 'AppIdMismatch', 'SignatureMismatch'],
  GraphReachable: ['GraphUnavailable', 'RateLimited'],
  Subscribed: [
    'NotSubscribed',
    'CallbackMismatch',
    'CallbackVerificationFailed',
    'Inactive',
    'FieldsMissing',
    'FieldRefused',
    'PermissionDenied',
    'Observed',
    'GraphUnavailable',
  ],
} as const satisfies Record<AppConditionType, readonly string[]>;

/** Reasons that only `Ready` has. */
export const READY_REASONS = ['Suspended'] as const;

export type PageReason = (typeof PAGE_REASONS)[PageConditionType][number];
export type AppReason = (typeof APP_REASONS)[AppConditionType][number];

/** Every reason that this operator gives for something that is not as wanted. */
export type Reason = PageReason | AppReason | (typeof READY_REASONS)[number];
