// A stranger as a process of its own. Arguments: one JSON object. Answers every message of its
// parent with its counts.
import { setPriority } from 'node:os';
import { Abuse, type AbuseOptions } from '../support/abuse.js';

setPriority(19);
const abuse = new Abuse(JSON.parse(process.argv[2] ?? '{}') as AbuseOptions);
process.on('message', () => process.send?.(abuse.counts));
process.on('disconnect', () => {
  abuse.stop();
});
process.send?.({ started: true });
