/** What a user reads about a token that Graph refuses for good. */
export interface DeadToken {
  /** What is wrong. */
  readonly says: string;
  /** What to do about it. */
  readonly fix: string;
}

export const NEW_TOKEN = 'create a new Page access token and store it in the Secret';

export const EXPIRED_TOKEN: DeadToken = { says: 'the token has expired', fix: NEW_TOKEN };
/** For a token that Graph calls invalid without one of the subcodes below. */
export const INVALID_TOKEN: DeadToken = { says: 'the token is not valid or no longer valid', fix: NEW_TOKEN };

/**
 * Subcode of Graph's error 190 → why the token is dead. Graph gives the same subcodes in the answer
 * of `debug_token`.
 */
export const DEAD_TOKENS: ReadonlyMap<number, DeadToken> = new Map([
  [
    458,
    {
      says: 'the person who granted the token has removed the app',
      fix: `ask an admin of the Page to grant the app access again, then ${NEW_TOKEN}`,
    },
  ],
  [
    459,
    {
      says: 'the person who granted the token must pass a security check at facebook.com',
      fix: `ask that person to log in to facebook.com, or sign in as someone else and ${NEW_TOKEN}`,
    },
  ],
  [460, { says: 'the person who granted the token has changed the password', fix: NEW_TOKEN }],
  [463, EXPIRED_TOKEN],
  [
    464,
    {
      says: 'the person who granted the token has not confirmed the Facebook account',
      fix: `ask that person to confirm the account, then ${NEW_TOKEN}`,
    },
  ],
  [467, { says: 'the token was invalidated', fix: NEW_TOKEN }],
  [
    492,
    {
      says: 'the person who granted the token no longer has a role on the Page',
      fix: `restore that role, or sign in as someone who has one and ${NEW_TOKEN}`,
    },
  ],
]);
