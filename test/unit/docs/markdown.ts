import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

/** Folders that hold no page of ours. */
const SKIPPED = /^(\.git|node_modules|dist|dist-client|coverage)$/;

/** Every Markdown file of the project, as paths from its root. */
export function markdownFiles(folder = '.'): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return SKIPPED.test(entry.name) ? [] : markdownFiles(path);
    return entry.name.endsWith('.md') ? [path] : [];
  });
}

export interface Link {
  readonly line: number;
  /** As written: `../spec/messenger-page.md#reasons`. */
  readonly target: string;
  /** From the root of the project. */
  readonly path: string;
  readonly anchor: string | undefined;
}

/**
 * The links of a page to other files and to headings; links to other sites are left out, and so is
 * what stands in code.
 */
export function relativeLinks(page: string, text: string): Link[] {
  const lines = withoutCode(text).split('\n');
  return lines.flatMap((content, index) =>
    [...content.matchAll(/\]\(((?![a-z]+:)[^)\s]+)\)/g)].map(([, target = '']) => {
      const [file = '', anchor] = target.split('#');
      const path = file === '' ? page : normalize(join(dirname(page), file));
      return { line: index + 1, target, path, anchor };
    }),
  );
}

/** The anchors that a forge makes of the headings of a page. */
export function anchorsOf(text: string): ReadonlySet<string> {
  const seen = new Map<string, number>();
  const headings = withoutFences(text).matchAll(/^#{1,6} (.+)$/gm);
  return new Set(
    [...headings].map(([, heading = '']) => {
      const slug = heading
        .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
        .trim()
        .replaceAll(' ', '-');
      const count = seen.get(slug) ?? 0;
      seen.set(slug, count + 1);
      return count === 0 ? slug : `${slug}-${String(count)}`;
    }),
  );
}

/** Keeps the line numbers. */
function withoutCode(text: string): string {
  return withoutFences(text).replaceAll(/`[^`\n]*`/g, '');
}

function withoutFences(text: string): string {
  return text.replaceAll(/^( *)```[^]*?^\1```/gm, (block) => block.replaceAll(/[^\n]/g, ''));
}

export function read(path: string): string {
  return readFileSync(path, 'utf8');
}
