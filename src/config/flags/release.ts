import { flag, optionalFlag } from '../flag.js';
import { boolean, duration, integer, text } from '../value-types.js';

/** Flags of the command that frees finalizers by hand. */
export const RELEASE_FLAGS = {
  all: flag(boolean, 'false', {
    name: 'all',
    commands: ['release'],
    group: 'Release',
    about:
      'Also release objects that are not being deleted, in every namespace unless -n names one. Use it before you remove the controller.',
  }),
  unsubscribe: flag(boolean, 'false', {
    name: 'unsubscribe',
    commands: ['release'],
    group: 'Release',
    about:
      'First unsubscribe each Page at Graph, as a deletion would. A page that cannot be unsubscribed is released all the same, and reported.',
  }),
  dryRun: flag(boolean, 'false', {
    name: 'dry-run',
    commands: ['release'],
    group: 'Release',
    about: 'Print what would be done and change nothing. With --unsubscribe, Graph is read.',
  }),
  stopController: optionalFlag(text('DEPLOYMENT', /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/, 'the name of a Deployment'), {
    name: 'stop-controller',
    commands: ['release'],
    group: 'Release',
    about:
      "First scale this Deployment in the Lease's namespace to 0, so that it does not add finalizers again. If not everything could be released, its replicas are restored.",
  }),
  controllerReplicas: optionalFlag(integer(0, 100), {
    name: 'controller-replicas',
    commands: ['release'],
    group: 'Release',
    about:
      'Restore the replicas of --stop-controller in any case, for a hook whose caller may have given up. This many if it had none. No controller can lead for 20 seconds after that.',
  }),
  timeoutMs: flag(duration('5s', '1h'), '4m', {
    name: 'timeout',
    commands: ['release'],
    group: 'Release',
    about: 'Time limit for the whole command. Graph may use three fifths of it; pages that do not fit are left subscribed.',
  }),
};
