import { isRecord } from '../kit/narrow.js';

type Step = { readonly name: string } | { readonly index: number } | { readonly where: readonly string[]; readonly equals: string };

/**
 * `.a.b`, `[0]`, `["a"]`, `[?(@.type=="Ready")]`: what printer columns use of Kubernetes' JSONPath.
 */
const STEP = /\.([A-Za-z_][\w-]*)|\[(\d+)\]|\[['"]([^'"]+)['"]\]|\[\?\(@((?:\.[A-Za-z_]\w*)+)\s*==\s*['"]([^'"]*)['"]\)\]/gy;

/**
 * Makes a function that finds the first value a path leads to; undefined where there is none.
 * @throws Error for another syntax.
 */
export function jsonPath(path: string): (object: unknown) => unknown {
  const steps: Step[] = [];
  let end = 0;
  for (const match of path.matchAll(STEP)) {
    steps.push(stepOf(match));
    end = match.index + match[0].length;
  }
  if (end !== path.length) throw new Error(`the path ${path} is not understood`);
  return (object) => steps.reduce<unknown>(follow, object);
}

function stepOf([, name, index, quoted, where, equals]: RegExpMatchArray): Step {
  if (index !== undefined) return { index: Number(index) };
  if (where !== undefined) return { where: where.slice(1).split('.'), equals: equals ?? '' };
  return { name: name ?? quoted ?? '' };
}

function follow(value: unknown, step: Step): unknown {
  if ('name' in step) return property(value, step.name);
  if (!Array.isArray(value)) return undefined;
  if ('index' in step) return value[step.index] as unknown;
  return value.find((item: unknown) => step.where.reduce<unknown>(property, item) === step.equals) as unknown;
}

function property(value: unknown, name: string): unknown {
  return isRecord(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}
