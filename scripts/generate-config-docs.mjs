// Writes docs/reference/config.md from the table of flags in src/config.
import { writeFileSync } from 'node:fs';
import './ts-hooks.mjs';

const { configReference } = await import('../src/config/reference.ts');
writeFileSync(new URL('../docs/reference/config.md', import.meta.url), configReference());
