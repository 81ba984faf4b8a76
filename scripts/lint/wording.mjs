const TEXT_METHODS = '/^(startsWith|endsWith|includes|indexOf|lastIndexOf|match|matchAll|search|split)$/';
// Whether there is a message at all may be asked.
const COMPARED = "BinaryExpression[operator=/^[!=]==$/]:not(:has(> Identifier[name='undefined'])):not(:has(> Literal[value='']))";

/** Code that decides by the wording of a message: for ESLint's no-restricted-syntax. A message is for people. */
export const WORDING = [
  `CallExpression[callee.object.property.name='message'][callee.property.name=${TEXT_METHODS}]`,
  `CallExpression[callee.object.name='message'][callee.property.name=${TEXT_METHODS}]`,
  `${COMPARED} > MemberExpression[property.name='message']`,
  `${COMPARED} > ChainExpression > MemberExpression[property.name='message']`,
  "CallExpression[callee.property.name=/^(test|exec)$/][arguments.0.property.name='message']",
].map((selector) => ({ selector, message: 'Decide by a reason, a code or a field, never by the wording of a message.' }));
