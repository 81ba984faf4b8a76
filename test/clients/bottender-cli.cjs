// Runs commands of Bottender's own command line (`bottender messenger …`) as published, within a folder that has a
// bottender.config.js. Only two things are put in front of it: the host of Graph, and a yes to its question.
// Takes {modules, origin} as JSON and then the words of the command.
const { createRequire } = require('node:module');

const [settings, ...words] = process.argv.slice(2);
const { modules, origin } = JSON.parse(settings);
const from = createRequire(`${modules}/`);

function inFront(name, change) {
  const exported = from(name);
  require.cache[from.resolve(name)].exports = { ...exported, ...change(exported) };
}

inFront('messaging-api-messenger', ({ MessengerClient }) => ({
  MessengerClient: class extends MessengerClient {
    constructor(config) {
      super({ ...config, origin });
    }
  },
}));
inFront('enquirer', () => ({
  Confirm: class {
    run() {
      return Promise.resolve(true);
    }
  },
}));

const command = from(`${modules}/bottender/dist/cli/providers/messenger/${words[1]}.js`).default;
command({ argv: { _: words } });
