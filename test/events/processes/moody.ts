// Bots that can be in a mood, in a process of their own: what they do must not keep whoever
// measures from the clock. Each message of the parent is the moods, in order; it is answered once
// they are so.
import { setPriority } from 'node:os';
import { MoodyBot, type Mood } from '../support/bad-bots.js';

const { count } = JSON.parse(process.argv[2] ?? '{}') as { readonly count: number };
setPriority(19);
const bots = await Promise.all(Array.from({ length: count }, () => MoodyBot.start()));
process.on('message', (moods: readonly Mood[]) => {
  for (const [i, bot] of bots.entries()) bot.mood = moods[i] ?? 'well';
  process.send?.({});
});
process.on('disconnect', () => {
  process.exit();
});
process.send?.({ ports: bots.map(({ port }) => port) });
