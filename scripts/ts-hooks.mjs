// Lets Node run this project's TypeScript as it stands: types are stripped by Node itself, and an import of './x.js'
// finds './x.ts' where only that exists. For development and for scripts that use test/support; the package ships JavaScript.
import { existsSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';

registerHooks({
  resolve(specifier, context, next) {
    if (/^\.{1,2}\/.*\.js$/.test(specifier) && context.parentURL?.startsWith('file:')) {
      const url = new URL(specifier, context.parentURL);
      const source = new URL(url.href.replace(/\.js$/, '.ts'));
      if (!existsSync(fileURLToPath(url)) && existsSync(fileURLToPath(source))) return next(source.href, context);
    }
    return next(specifier, context);
  },
});
