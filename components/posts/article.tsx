import { parseDocument } from 'htmlparser2';
import { useTranslations } from 'next-intl';
import { createElement, type ReactNode } from 'react';
import { Picture } from './picture';

type Node = ReturnType<typeof parseDocument>['children'][number];

const blocks = new Set(
  'p h2 h3 h4 ul ol li blockquote pre figure figcaption hr table thead tbody tr th td'.split(' '),
);
const inline = new Set('code strong b em i u s sub sup'.split(' '));
const empty = new Set(['hr', 'br']);
/** Between their parts stands nothing but spaces, which a browser leaves out and React would miss. */
const holdsNoText = new Set(['table', 'thead', 'tbody', 'tr', 'ul', 'ol']);
/** How wide the text is. */
const sizes = '(min-width: 44rem) 40rem, calc(100vw - 2rem)';

/** An address that a link or picture of an article may have: the web, mail, or a page of ours. */
function safeAddress(value: string | undefined, protocols: RegExp): string | undefined {
  if (!value) return undefined;
  if (/^[/#](?![/\\])/.test(value)) return value;
  return URL.canParse(value) && protocols.test(new URL(value).protocol) ? value : undefined;
}

function wholeNumber(value: string | undefined): number | undefined {
  return value && /^\d{1,5}$/.test(value) ? Number(value) : undefined;
}

const isTag = (node: Node, name: string) => node.type === 'tag' && node.name === name;
const hasBlocks = (nodes: Node[]) => nodes.some((node) => node.type === 'tag' && blocks.has(node.name));

/** What some elements say about themselves. */
function attributesOf(name: string, attribs: Record<string, string>) {
  if (name === 'ol') return { start: wholeNumber(attribs.start) };
  if (name !== 'td' && name !== 'th') return {};
  const { scope } = attribs;
  return {
    colSpan: wholeNumber(attribs.colspan),
    rowSpan: wholeNumber(attribs.rowspan),
    ...(name === 'th' && /^(col|row)(group)?$/.test(scope ?? '') ? { scope } : {}),
  };
}

/** Names of what scrolls in itself, for those who come to it by keyboard. */
type Names = { code: string; table: string };
const scrolling = (name: string) => ({ role: 'group', 'aria-label': name, tabIndex: 0 });

function render(nodes: Node[], names: Names, parent = '', isInLink = false): ReactNode[] {
  return nodes.map((node, index) => {
    if (node.type === 'text') return holdsNoText.has(parent) ? null : node.data;
    if (node.type !== 'tag') return null;
    const key = index;
    const { attribs } = node;
    const name = node.name === 'h1' ? 'h2' : node.name;
    if (empty.has(name)) return createElement(name, { key });
    if (name === 'img') {
      const src = safeAddress(attribs.src, /^https?:$/);
      const { alt = '', width, height } = attribs;
      if (!src) return null;
      const size = { width: wholeNumber(width), height: wholeNumber(height) };
      return <Picture key={key} src={src} alt={alt} {...size} sizes={sizes} />;
    }
    const children = render(node.children, names, name, isInLink || name === 'a');
    if (name === 'a' && !isInLink) {
      const href = safeAddress(attribs.href, /^(https?|mailto):$/);
      const rel = href?.startsWith('/') ? undefined : 'noopener';
      return createElement('a', { key, href, rel }, ...children);
    }
    if (name === 'table') {
      // A browser puts in a body that is missing: then it stands here too.
      const rows = node.children.some((child) => isTag(child, 'tr'))
        ? [createElement('tbody', { key: 'rows' }, ...children)]
        : children;
      return (
        <div key={key} className="article-table" {...scrolling(names.table)}>
          {createElement('table', null, ...rows)}
        </div>
      );
    }
    // A browser ends a paragraph where a block begins.
    if (name === 'p' && hasBlocks(node.children)) return createElement('div', { key }, ...children);
    if (name === 'pre') return createElement(name, { key, ...scrolling(names.code) }, ...children);
    if (blocks.has(name) || inline.has(name))
      return createElement(name, { key, ...attributesOf(name, attribs) }, ...children);
    return createElement('span', { key }, ...children);
  });
}

/**
 * The body of an article. It was sanitised when it was saved; here it is built of elements from a list, so that no markup
 * from the database is ever trusted.
 */
export function Article({ html, lang }: { html: string; lang: string }) {
  const t = useTranslations('blog');
  return (
    <div className="article" lang={lang}>
      {render(parseDocument(html).children, { code: t('code'), table: t('table') })}
    </div>
  );
}
