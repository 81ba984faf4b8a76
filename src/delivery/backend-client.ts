import type { BotClient } from '../net/bot-client.js';

export type { BotRequest } from '../net/bot-client.js';
export type { BotAnswer } from '../net/exchange.js';

/** How delivery reaches a bot. Tells how it went once, at once or later. */
export type BackendClient = Pick<BotClient, 'send'>;
