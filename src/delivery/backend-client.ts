import type { BotClient } from '../net/bot-client.js';

export type { BotRequest } from '../net/bot-client.js';
export type { BotAnswer } from '../net/exchange.js';

/** How delivery reaches a bot. Never rejects. */
export type BackendClient = Pick<BotClient, 'send'>;
