import { TOKEN_STATES, type TokenState } from './model.js';

export interface GraphErrorShape {
  readonly status: number;
  readonly message: string;
  readonly type?: string;
  readonly code?: number;
  readonly subcode?: number;
  readonly transient?: boolean;
  /** Graph's word in WWW-Authenticate. */
  readonly challenge?: 'invalid_token' | 'invalid_request' | 'unknown_error' | 'insufficient_scope';
}

/** An error in Graph's own shape. Handlers throw it, the dispatcher writes it. */
export class SimGraphError extends Error {
  readonly shape: GraphErrorShape;

  constructor(shape: GraphErrorShape) {
    super(shape.message);
    this.name = 'SimGraphError';
    this.shape = shape;
  }
}

export function oauth(status: number, code: number, message: string, subcode?: number): SimGraphError {
  return new SimGraphError({ status, code, message, type: 'OAuthException', ...(subcode === undefined ? {} : { subcode }) });
}

export function invalidParameter(message: string): SimGraphError {
  return oauth(400, 100, `(#100) ${message}`);
}

/**
 * A parameter that is not among the known ones. Graph names the index of the first bad one and
 * lists all in its own order.
 */
export function notOneOf(param: string, index: number, known: readonly string[], got: string): SimGraphError {
  return invalidParameter(`Param ${param}[${index}] must be one of {${known.join(', ')}} - got "${got}".`);
}

/**
 * What Graph says about an id that does not exist or that the token may not see: it makes no
 * difference.
 */
export function noSuchObject(method: string, id: string): SimGraphError {
  return new SimGraphError({
    status: 400,
    type: 'GraphMethodException',
    code: 100,
    subcode: 33,
    message:
      `Unsupported ${method.toLowerCase()} request. Object with ID '${id}' does not exist, cannot be loaded due to missing permissions, ` +
      'or does not support this operation. Please read the Graph API documentation at https://developers.facebook.com/docs/graph-api',
  });
}

export function unknownPath(path: string): SimGraphError {
  return oauth(400, 2500, `Unknown path components: ${path}`);
}

export const pageTokenNeeded = (): SimGraphError => oauth(403, 210, '(#210) This call requires a Page access token.');
export const appTokenNeeded = (): SimGraphError => oauth(400, 15, '(#15) This method must be called with an app access_token.');

const TEXTS: Readonly<Record<TokenState, string>> = {
  valid: '',
  expired:
    'Error validating access token: Session has expired on Friday, 21-Nov-25 14:00:00 PST. The current time is Monday, 23-Nov-26 00:00:00 PST.',
  password_changed:
    'Error validating access token: The session has been invalidated because the user changed their password or Facebook has changed the session for security reasons.',
  uninstalled: 'Error validating access token: The user has not authorized application.',
  checkpoint:
    'Error validating access token: You cannot access the app till you log in to www.facebook.com and follow the instructions given.',
  unconfirmed: 'Error validating access token: Sessions for the user are not allowed because the user is not a confirmed user.',
  invalidated: 'Error validating access token: The session is invalid because the user logged out.',
  role_lost:
    'Error validating access token: The user must be an administrator, editor, or moderator of the page in order to impersonate it.',
  garbage: 'Invalid OAuth access token - Cannot parse access token',
};

/** The error that a call with a dead token gets; debug_token shows the same text and subcode. */
export function deadToken(state: TokenState): SimGraphError {
  const subcode = TOKEN_STATES[state];
  return new SimGraphError({
    status: 400,
    type: 'OAuthException',
    code: 190,
    message: TEXTS[state],
    challenge: 'invalid_token',
    ...(subcode === undefined ? {} : { subcode }),
  });
}

export function errorBody(shape: GraphErrorShape, trace: string): unknown {
  const { message, type = 'OAuthException', code, subcode, transient } = shape;
  return {
    error: {
      message,
      type,
      ...(code === undefined ? {} : { code }),
      ...(subcode === undefined ? {} : { error_subcode: subcode }),
      ...(transient === undefined ? {} : { is_transient: transient }),
      fbtrace_id: trace,
    },
  };
}

/**
 * `WWW-Authenticate` as Graph sends it with an error; quotes and line breaks of the message would
 * break the header.
 */
export function challengeHeader({ message, challenge = 'invalid_request' }: GraphErrorShape): string {
  return `OAuth "Facebook Platform" "${challenge}" "${message.replace(/["\\]/g, "'").replace(/[^\x20-\x7e]+/g, ' ')}"`;
}
