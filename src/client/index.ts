export { createPages } from './create-pages.js';
export { PagesError } from './errors.js';
export type { ListOptions, Page, Pages, PagesOptions } from './types.js';
