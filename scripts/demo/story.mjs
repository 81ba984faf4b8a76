// The story, as it happens. What is said here is what is done; whether it worked is the checker's business.
import { readFileSync } from 'node:fs';
import { afterHealing, mixedPost } from './events.mjs';
import { FIELDS, PAGES, pageManifest, tokenSecret } from './manifests.mjs';

const [north, south, roma] = PAGES;
const indent = (text) =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => `     ${line}`)
    .join('\n');

export async function tellStory({ world, checker, say, step, broken }) {
  const table = async () => say(indent(await world.getPages()));

  step(2, 'Apply one MessengerApp and three MessengerPages, a Secret with the token for each');
  await world.applyAll();
  await checker.subscribed(
    'every Page is subscribed at Graph with its five fields',
    PAGES.map(({ pageId }) => pageId),
    FIELDS,
  );
  await checker.eventually('every Page says Ready', async () => (await world.readyOf(PAGES)).every((ready) => ready === 'True'));
  await table();

  step(3, 'Meta sends one POST: three Pages mixed, one in two positions, two items in one entry, one standby item, one unknown Page');
  const post = mixedPost();
  await world.sim.send(post);
  await checker.handled("each bot handled exactly its own Pages' events", post);
  await checker.replied("each reply went out with its own Page's token and that Page's config", post);
  for (const line of await checker.conversation()) say(`     ${line}`);

  step(4, `Somebody takes fields away from ${north.pageName} by hand, in Meta's dashboard`);
  await world.sim.setFields(north.pageId, ['messages', 'feed']);
  say('     Graph now says: messages, feed');
  await checker.subscribed(`${north.pageName} has its five fields again`, [north.pageId], FIELDS, { by: 'operator' });

  step(5, `The token of ${roma.pageName} is revoked at Meta`);
  await world.sim.revoke(roma);
  await checker.eventually(`${roma.pageName} says why it is not Ready`, async () => (await world.reasonOf(roma)) === 'TokenInvalidated');
  await checker.eventually('the other Pages stay Ready', async () =>
    (await world.readyOf([north, south])).every((ready) => ready === 'True'),
  );
  await table();
  say(indent(await world.messageOf(roma)));

  step(6, `The Secret of ${roma.pageName} gets a new token; nothing is restarted`);
  const fresh = broken === 'token' ? world.tokens.get(roma.name) : await world.sim.newToken(roma);
  await world.apply(`${roma.name}-token`, [tokenSecret(roma, fresh)]);
  await checker.eventually(`${roma.pageName} is Ready again`, async () => (await world.readyOf([roma])).every((ready) => ready === 'True'));
  const again = afterHealing();
  await world.sim.send(again);
  await checker.handled('the next message reaches its bot', again);
  await checker.replied('and is answered with the new token', again);
  await checker.eventually('the operator was never restarted', () => world.neverRestarted());

  step(7, `The manifest of ${south.pageName} is deleted`);
  if (broken === 'delete') await world.apply(south.name, [pageManifest(south, { deletionPolicy: 'Retain' })], { settle: true });
  await world.remove(south);
  await checker.unsubscribed(`${south.pageName} is unsubscribed at Graph`, south.pageId);
  await checker.subscribed('the other two still are', [north.pageId, roma.pageId], FIELDS);
  await table();
}

/** What a bot recorded, a JSON object a line. */
export function readRecords(file) {
  try {
    return readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line));
  } catch {
    return [];
  }
}
