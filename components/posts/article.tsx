import { parseDocument } from 'htmlparser2';
import { createElement, type ReactNode } from 'react';

type Node = ReturnType<typeof parseDocument>['children'][number];

const plain = new Set([
  ...[
    'p',
    'h2',
    'h3',
    'h4',
    'ul',
    'ol',
    'li',
    'blockquote',
    'pre',
    'code',
    'figure',
    'figcaption',
    'hr',
    'br',
  ],
  ...['strong', 'b', 'em', 'i', 'u', 's', 'sub', 'sup', 'table', 'thead', 'tbody', 'tr', 'th', 'td'],
]);
const empty = new Set(['hr', 'br']);

/** An address that a link or picture of an article may have: the web, mail, or a page of ours. */
function safeAddress(value: string | undefined, protocols: RegExp): string | undefined {
  if (!value) return undefined;
  if (/^[/#](?![/\\])/.test(value)) return value;
  return URL.canParse(value) && protocols.test(new URL(value).protocol) ? value : undefined;
}

function render(nodes: Node[]): ReactNode[] {
  return nodes.map((node, index) => {
    if (node.type === 'text') return node.data;
    if (node.type !== 'tag') return null;
    const key = index;
    const { name, attribs } = node;
    if (empty.has(name)) return createElement(name, { key });
    const children = render(node.children);
    if (name === 'h1') return createElement('h2', { key }, ...children);
    if (plain.has(name)) return createElement(name, { key }, ...children);
    if (name === 'a') {
      const href = safeAddress(attribs.href, /^(https?|mailto):$/);
      return createElement(
        'a',
        { key, href, rel: href?.startsWith('/') ? undefined : 'noopener' },
        ...children,
      );
    }
    if (name === 'img') {
      const src = safeAddress(attribs.src, /^https?:$/);
      return src ? createElement('img', { key, src, alt: attribs.alt ?? '', loading: 'lazy' }) : null;
    }
    return createElement('span', { key }, ...children);
  });
}

/**
 * The body of an article. It was sanitised when it was saved; here it is built of elements from a list, so that no markup
 * from the database is ever trusted.
 */
export function Article({ html }: { html: string }) {
  return <div className="article">{render(parseDocument(html).children)}</div>;
}
