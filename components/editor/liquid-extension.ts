import type { Node as DocumentNode, Mark } from '@tiptap/pm/model';
import { Plugin, PluginKey, type Transaction } from '@tiptap/pm/state';
import { Decoration, DecorationSet } from '@tiptap/pm/view';
import { Extension } from '@tiptap/react';

const liquid = /\{\{[^{}]*\}\}|\{%[^{}]*?%\}/g;

type Found = { from: number; to: number };

/** Where Liquid stands in the text of a document, as positions of ProseMirror. */
function findLiquid(doc: DocumentNode): Found[] {
  const found: Found[] = [];
  doc.descendants((node, position) => {
    if (!node.isTextblock) return true;
    // Leaves such as line breaks count one position each, so that offsets in this text are offsets in the block.
    const text = node.textBetween(0, node.content.size, undefined, '\n');
    for (const match of text.matchAll(liquid)) {
      const from = position + 1 + match.index;
      found.push({ from, to: from + match[0].length });
    }
    return false;
  });
  return found;
}

/** Half-bold Liquid would be cut in two by a tag and parse no more: it takes the marks of its first letter as a whole. */
function evenMarks(doc: DocumentNode, tr: Transaction): boolean {
  let changed = false;
  for (const { from, to } of findLiquid(doc)) {
    const marks: (readonly Mark[])[] = [];
    doc.nodesBetween(from, to, (node) => {
      if (node.isText) marks.push(node.marks);
    });
    const [first, ...others] = marks;
    if (!first || others.every((other) => sameMarks(first, other))) continue;
    tr.removeMark(from, to);
    for (const mark of first) tr.addMark(from, to, mark);
    changed = true;
  }
  return changed;
}

function sameMarks(a: readonly Mark[], b: readonly Mark[]): boolean {
  return a.length === b.length && a.every((mark, index) => b[index] !== undefined && mark.eq(b[index]));
}

/**
 * Shows Liquid as a chip while the document keeps it as plain text: what is stored is what was typed, quotes and all, and a
 * variable can be edited letter by letter.
 */
export const LiquidText = Extension.create({
  name: 'liquidText',
  addProseMirrorPlugins() {
    const decorate = (doc: DocumentNode) =>
      DecorationSet.create(
        doc,
        findLiquid(doc).map(({ from, to }) =>
          Decoration.inline(from, to, {
            class: 'rounded-sm bg-accent-soft px-0.5 font-mono text-[0.9em] text-ink',
            spellcheck: 'false',
          }),
        ),
      );
    return [
      new Plugin<DecorationSet>({
        key: new PluginKey('liquidText'),
        state: {
          init: (_, { doc }) => decorate(doc),
          apply: (tr, old) => (tr.docChanged ? decorate(tr.doc) : old),
        },
        props: {
          decorations(state) {
            return this.getState(state);
          },
        },
        appendTransaction(transactions, _, { doc, tr }) {
          return transactions.some(({ docChanged }) => docChanged) && evenMarks(doc, tr) ? tr : null;
        },
      }),
    ];
  },
});
