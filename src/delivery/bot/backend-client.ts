import type { BotClient } from '../../net/http1/bot-client.js';

export type { BotRequest } from '../../net/http1/bot-client.js';
export type { BotAnswer } from '../../net/http1/exchange.js';

/** How delivery reaches a bot. Tells how it went once, at once or later. */
export type BackendClient = Pick<BotClient, 'send' | 'close'>;
