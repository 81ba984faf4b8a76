import { PAGE_REASONS, type PageReason } from '../../api/v1alpha1/conditions.js';

/** Whether a refusal of Graph's is about the token: then `TokenValid` is the condition that says so. */
export function isTokenReason(reason: string): boolean {
  return PAGE_REASONS.TokenValid.some((one) => one === reason && one !== 'GraphUnavailable');
}

/** The reason of `Subscribed` for any other refusal. */
export function subscribedReason(reason: string): PageReason {
  return PAGE_REASONS.Subscribed.find((one) => one === reason && one !== 'GraphUnavailable') ?? 'PermissionDenied';
}
