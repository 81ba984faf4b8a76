import type { MessengerPageStatus } from '../../api/v1alpha1/types.gen.js';
import { rfc3339 } from '../../kit/clock.js';
import type { TokenInfo } from '../../core/ports/graph.js';
import { dayOf } from '../../core/domain/token-check.js';

type TokenStatus = NonNullable<MessengerPageStatus['token']>;

/** `status.token` for what Graph said. `fingerprint` only for a proven value. */
export function tokenStatus(info: TokenInfo, fingerprint: string | undefined): TokenStatus {
  return {
    ...(info.type === undefined ? {} : { type: info.type }),
    ...expiry(info.expiresAt),
    ...(hasTime(info.dataAccessExpiresAt) ? { dataAccessExpiresAt: rfc3339(info.dataAccessExpiresAt * 1_000) } : {}),
    scopes: [...info.scopes].sort(),
    ...(fingerprint === undefined ? {} : { fingerprint }),
  };
}

function expiry(expiresAt: number | undefined): Pick<TokenStatus, 'expires' | 'expiresAt'> {
  if (expiresAt === undefined) return {};
  if (!hasTime(expiresAt)) return { expires: 'never' };
  return { expires: dayOf(expiresAt), expiresAt: rfc3339(expiresAt * 1_000) };
}

/** 0 is Graph's word for never; what lies beyond the calendar is no time either. */
function hasTime(seconds: number | undefined): seconds is number {
  return seconds !== undefined && seconds > 0 && seconds < 8_640_000_000;
}
