import { Fragment } from '@tiptap/pm/model';
import { createNodeFromContent, getHTMLFromFragment, getSchema } from '@tiptap/react';
import { type EditorKind, kinds } from './kinds';

/** Elements that shape nothing by themselves: the editor may add, drop or merge them without a loss. */
const neutral = new Set(['html', 'head', 'body', 'p', 'div', 'span', 'br']);
const synonyms: Record<string, string> = { b: 'strong', i: 'em', del: 's', strike: 's' };

function shape(html: string): { elements: Set<string>; text: string } {
  const doc = new DOMParser().parseFromString(html, 'text/html');
  const elements = new Set<string>();
  for (const element of doc.querySelectorAll('*')) {
    const attributes = [...element.attributes]
      .map(({ name, value }) => `${name}=${value}`)
      .sort()
      .join(' ');
    if (neutral.has(element.localName) && !attributes) continue;
    elements.add(`${synonyms[element.localName] ?? element.localName} ${attributes}`);
  }
  return { elements, text: (doc.body.textContent ?? '').replace(/\s+/g, '') };
}

/** Whether the visual editor would give back every kind of element, every attribute and every letter of this HTML. */
export function survivesEditing(html: string, kind: EditorKind): boolean {
  const schema = getSchema(kinds[kind].extensions);
  const content = createNodeFromContent(html, schema);
  const kept = getHTMLFromFragment(content instanceof Fragment ? content : content.content, schema);
  const before = shape(html);
  const after = shape(kept);
  return before.text === after.text && [...before.elements].every((element) => after.elements.has(element));
}
