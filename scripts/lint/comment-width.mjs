const MAX_COLUMNS = 100;
const DIRECTIVE = /^\/?\s*(eslint|@ts-|prettier-|#|<reference|istanbul|c8)/;
/** Begins a paragraph of its own: a tag, an item of a list, a row of a table. */
const OWN_PARAGRAPH = /^(@\w|[-*|] ?|\d+[.)] )/;

/** A comment that has its lines to itself wraps at 100 columns. A longer word stays whole. */
export const commentWidth = {
  meta: {
    type: 'layout',
    fixable: 'whitespace',
    schema: [],
    messages: { wide: `Comments wrap at ${MAX_COLUMNS} columns.` },
  },
  create(context) {
    const source = context.sourceCode;
    return {
      Program() {
        for (const block of blocksOf(source)) {
          const wrapped = block.kind === 'Line' ? wrapLines(block) : wrapDoc(block);
          if (wrapped === undefined || wrapped === block.text) continue;
          context.report({ loc: block.loc, messageId: 'wide', fix: (fixer) => fixer.replaceTextRange(block.range, wrapped) });
        }
      },
    };
  },
};

/** Comments that have their lines to themselves; line comments below one another are one block. */
function blocksOf(source) {
  const blocks = [];
  for (const { type, range, loc } of source.getAllComments()) {
    const line = source.lines[loc.start.line - 1];
    const isAlone = line.slice(0, loc.start.column).trim() === '' && source.lines[loc.end.line - 1].slice(loc.end.column).trim() === '';
    if (!isAlone) continue;
    const last = blocks.at(-1);
    const block = { kind: type, range: [...range], loc: { start: loc.start, end: loc.end }, indent: loc.start.column };
    if (type === 'Line' && last?.kind === 'Line' && last.indent === block.indent && last.loc.end.line === loc.start.line - 1) {
      last.range[1] = range[1];
      last.loc.end = loc.end;
    } else {
      blocks.push(block);
    }
  }
  for (const block of blocks) block.text = source.text.slice(...block.range);
  return blocks.filter(({ text, indent }) => text.split('\n').some((line, i) => line.length + (i === 0 ? indent : 0) > MAX_COLUMNS));
}

function wrapLines({ text, indent }) {
  const lines = text.split('\n').map((line) => line.trim().slice(2).replace(/^ /, ''));
  if (lines.some((line) => DIRECTIVE.test(line))) return undefined;
  const prefix = '// ';
  const wrapped = paragraphsWrapped(lines, MAX_COLUMNS - indent - prefix.length);
  return wrapped.map((line) => (prefix + line).trimEnd()).join(`\n${' '.repeat(indent)}`);
}

function wrapDoc({ text, indent }) {
  if (!text.startsWith('/**')) return undefined;
  const inner = text.slice(3, -2).split('\n');
  const lines = inner.map((line, i) => (i === 0 ? line.trimStart() : line.replace(/^\s*\*? ?/, '')));
  while (lines.length > 0 && lines[0].trim() === '') lines.shift();
  while (lines.length > 0 && lines.at(-1).trim() === '') lines.pop();
  const pad = ' '.repeat(indent);
  const wrapped = paragraphsWrapped(lines, MAX_COLUMNS - indent - ' * '.length);
  return ['/**', ...wrapped.map((line) => `${pad} * ${line}`.trimEnd()), `${pad} */`].join('\n');
}

/** Only paragraphs with a line that is too wide are wrapped; pictures, code and what is indented stay as they are. */
function paragraphsWrapped(lines, width) {
  const out = [];
  let paragraph = [];
  let isFenced = false;
  const end = () => {
    const isWide = paragraph.some((line) => line.trimEnd().length > width);
    out.push(...(isWide ? filled(paragraph, width) : paragraph.map((line) => line.trimEnd())));
    paragraph = [];
  };
  for (const line of lines) {
    const isFence = line.trim().startsWith('```');
    if (isFenced || isFence || line.trim() === '' || isDrawing(line, paragraph)) {
      end();
      out.push(line.trimEnd());
      if (isFence) isFenced = !isFenced;
    } else {
      if (OWN_PARAGRAPH.test(line)) end();
      paragraph.push(line);
    }
  }
  end();
  return out;
}

/** Indented, and not the rest of an item. */
function isDrawing(line, paragraph) {
  return /^\s{2,}/.test(line) && !(paragraph.length > 0 && /^([-*]|\d+[.)]) /.test(paragraph[0]));
}

function filled(paragraph, width) {
  const hang = /^([-*]|\d+[.)]) /.test(paragraph[0]) ? '  ' : '';
  const lines = [];
  let current = '';
  for (const word of paragraph.join(' ').trim().split(/\s+/)) {
    if (current !== '' && `${current} ${word}`.length > width) {
      lines.push(current);
      current = hang + word;
    } else {
      current = current === '' ? word : `${current} ${word}`;
    }
  }
  return [...lines, current];
}
