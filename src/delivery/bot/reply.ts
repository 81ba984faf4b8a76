import type { UnavailableWhy } from '../../core/ports/delivery.js';
import type { BotAnswer } from '../../net/http1/bot-connection.js';

export type Reply =
  | { readonly kind: 'accepted' }
  /** Final. */
  | { readonly kind: 'refused' }
  /** Final for one item; several are sent again in halves. */
  | { readonly kind: 'too_large' }
  | { readonly kind: 'unavailable'; readonly why: UnavailableWhy };

/** 4xx that are about the way to the bot, or about this moment, not about the event. */
const NOT_ABOUT_THE_EVENT: ReadonlySet<number> = new Set([401, 403, 404, 407, 408, 425, 429]);
/** A gateway answers these when the bot behind it does not. */
const NO_SERVER: ReadonlySet<number> = new Set([502, 503, 504]);

/**
 * What a bot's answer means. A redirect is not followed: it says that the backend is not where its
 * page says.
 */
export function replyOf(answer: BotAnswer): Reply {
  if (answer.kind === 'none') return { kind: 'unavailable', why: answer.why };
  const { status } = answer;
  if (status >= 200 && status < 300) return { kind: 'accepted' };
  if (status === 413) return { kind: 'too_large' };
  if (status >= 400 && status < 500 && !NOT_ABOUT_THE_EVENT.has(status)) return { kind: 'refused' };
  return { kind: 'unavailable', why: 'status' };
}

/**
 * Whether the bot itself answered. A 500 is an answer: one event that a bot cannot handle must not
 * open the circuit for all others.
 */
export function isAnswered(answer: BotAnswer): boolean {
  return answer.kind === 'answer' && !NO_SERVER.has(answer.status);
}
