import { flag, optional } from '../flag.js';
import { boolean, duration, text } from '../value-types.js';

/** Flags of the command that frees finalizers by hand. */
export const RELEASE_FLAGS = {
  all: flag(boolean, 'false', {
    name: 'all',
    commands: ['release'],
    group: 'Freeing',
    about: 'Free also what is not being deleted, in every namespace unless -n names one: before the controller goes for good.',
  }),
  unsubscribe: flag(boolean, 'false', {
    name: 'unsubscribe',
    commands: ['release'],
    group: 'Freeing',
    about: 'Take each page off Graph first, as its deletion would. What cannot be is freed all the same, and told.',
  }),
  dryRun: flag(boolean, 'false', {
    name: 'dry-run',
    commands: ['release'],
    group: 'Freeing',
    about: 'Say what would be done and change nothing; with --unsubscribe Graph is read.',
  }),
  stopController: optional(text('DEPLOYMENT', /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/, 'the name of a Deployment'), {
    name: 'stop-controller',
    commands: ['release'],
    group: 'Freeing',
    about:
      "Scale this Deployment of the Lease's namespace to 0 first, so that nobody puts the finalizers back. It gets its replicas back if not everything could be freed.",
  }),
  timeoutMs: flag(duration('5s', '1h'), '4m', {
    name: 'timeout',
    commands: ['release'],
    group: 'Freeing',
    about: 'How long all of it may take. Of this, three fifths are for Graph; pages that it does not suffice for are left subscribed.',
  }),
};
