import { keyOf } from '../../src/core/domain/object-key.js';
import { FIELD_SETS, type Users } from './users.js';
import type { World } from './world.js';

type Action = (users: Users) => void;

/** Lets people do something. */
export function act(world: World, users: Users): void {
  world.random.pick(ACTIONS)(users);
}

const editFields: Action = (users) => {
  users.editPage(() => ({ subscribedFields: [...users.pick(FIELD_SETS)] }));
};
const editPolicy: Action = (users) => {
  users.editPage(() =>
    users.pick([{ suspend: true }, { suspend: false }, { managementPolicy: 'Observe' }, { managementPolicy: 'Manage' }]),
  );
};
const editDeletionPolicy: Action = (users) => {
  users.editPage(() => ({ deletionPolicy: users.pick(['Retain', 'Unsubscribe']) }));
};
const create: Action = (users) => {
  users.createPage();
};
const remove: Action = (users) => {
  users.deletePage();
};
const rotate: Action = (users) => {
  users.rotate(users.chance(0.8));
};
const recreate: Action = (users) => {
  const page = users.somePage();
  users.deletePage(page);
  if (page !== undefined) users.createPage(keyOf(page), page);
};
const dropToken: Action = (users) => {
  const page = users.somePage();
  if (page !== undefined) users.deleteSecret({ namespace: page.metadata.namespace ?? '', name: page.spec.accessTokenSecretRef.name });
};
const consent: Action = (users) => {
  users.editApp({
    allowedNamespaces: users.pick([{ from: 'All' }, { from: 'Same' }, { from: 'Selector', selector: { matchLabels: { team: 'tenant' } } }]),
  });
};
const suspendApp: Action = (users) => {
  users.editApp({ suspend: users.chance(0.5) });
};
const dropAppSecret: Action = (users) => {
  const app = users.someApp();
  if (app === undefined) return;
  users.appsWereParked = true;
  const key = keyOf(app);
  if (users.chance(0.5)) users.putAppSecret(key, app.spec.appId);
  else users.deleteSecret({ namespace: key.namespace, name: `app-${key.name}` });
};
/** `kubectl delete -f .`: everything within a moment, in any order. */
const removeAll: Action = (users) => {
  const page = users.somePage();
  if (page === undefined) return;
  const steps = [
    () => {
      users.deletePage(page);
    },
    () => {
      users.deleteSecret({ namespace: page.metadata.namespace ?? '', name: page.spec.accessTokenSecretRef.name });
    },
    () => {
      if (users.chance(0.5)) users.deleteApp();
    },
  ];
  while (steps.length > 0) steps.splice(users.pick([0, 0, steps.length - 1]), 1)[0]?.();
};
const removeBoth: Action = (users) => {
  const [first, ...others] = users.pages();
  for (const page of [first, ...others.filter(({ spec }) => spec.pageId === first?.spec.pageId)]) users.deletePage(page);
};

/** By how often each is named. */
const ACTIONS: readonly Action[] = [
  ...[create, create, create, create, remove, remove, remove, recreate, recreate, removeAll, removeBoth],
  ...[editFields, editFields, editFields, editPolicy, editDeletionPolicy, rotate, rotate, rotate, dropToken],
  ...[
    (users: Users) => {
      users.killToken();
    },
    (users: Users) => {
      users.changeRow();
    },
    (users: Users) => {
      users.changeRow();
    },
  ],
  ...[
    consent,
    consent,
    suspendApp,
    dropAppSecret,
    (users: Users) => {
      users.createApp();
    },
    (users: Users) => {
      users.createApp();
    },
    (users: Users) => {
      users.deleteApp();
    },
  ],
  ...[
    (users: Users) => {
      users.labelNamespace();
    },
    (users: Users) => {
      users.changeAppRow();
    },
    (users: Users) => {
      users.annotate();
    },
  ],
  ...[
    (users: Users) => {
      users.toggleForeignFinalizer();
    },
    (users: Users) => {
      users.toggleForeignFinalizer();
    },
  ],
];
