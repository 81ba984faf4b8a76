const RANKS = ['node: modules', 'packages', 'files of other folders', 'files of the same folder'];

/** The place of a module in the block: its rank, then how far up it is (the furthest first). */
const placeOf = (module) => {
  if (module.startsWith('node:')) return [0, 0];
  if (!module.startsWith('.')) return [1, 0];
  const up = module.split('../').length - 1;
  return up > 0 ? [2, -up] : [3, 0];
};

const compare = ([rank, up], [otherRank, otherUp]) => rank - otherRank || up - otherUp;

/** Imports are one block without blank lines, in the order of RANKS; inside a rank the order is free. */
export const importBlock = {
  meta: {
    type: 'layout',
    fixable: 'code',
    schema: [],
    messages: {
      blank: 'No blank line between imports.',
      order: `Imports go in this order: ${RANKS.join(', ')} (the furthest first).`,
    },
  },
  create(context) {
    const source = context.sourceCode;
    const report = (node, messageId, fix) => {
      context.report({ node, messageId, fix });
    };
    return {
      Program(program) {
        const imports = program.body.filter((node) => node.type === 'ImportDeclaration');
        const [first] = imports;
        const last = imports.at(-1);
        if (first === undefined || first === last) return;

        const hasComments = source.getAllComments().some((c) => c.range[0] > first.range[0] && c.range[1] < last.range[1]);
        const isOneBlock = program.body.indexOf(last) - program.body.indexOf(first) === imports.length - 1;
        const sorted = imports.toSorted((a, b) => compare(placeOf(a.source.value), placeOf(b.source.value)));
        const fix = (fixer) => {
          if (hasComments || !isOneBlock) return null;
          return fixer.replaceTextRange([first.range[0], last.range[1]], sorted.map((node) => source.getText(node)).join('\n'));
        };

        for (const [i, node] of imports.entries()) {
          const before = imports[i - 1];
          if (before === undefined) continue;
          if (compare(placeOf(before.source.value), placeOf(node.source.value)) > 0) return report(node, 'order', fix);
          const start = source.getCommentsBefore(node)[0] ?? node;
          if (start.loc.start.line - before.loc.end.line > 1) return report(node, 'blank', fix);
        }
      },
    };
  },
};
