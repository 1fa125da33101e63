import sanitizeHtml from 'sanitize-html';

/** One token of Liquid as it stands in HTML. It never holds another one's beginning. */
const liquidToken = /\{\{(?:(?!\{\{|\}\})[\s\S]){0,1000}\}\}|\{%(?:(?!\{%|%\})[\s\S]){0,1000}%\}/g;
const mark = (index: number) => `\ue000${index}\ue001`;
const marks = /\ue000(\d+)\ue001/g;

const named: Record<string, string> = {
  lt: '<',
  gt: '>',
  amp: '&',
  quot: '"',
  apos: "'",
  '#39': "'",
  '#x27': "'",
  '#34': '"',
  nbsp: ' ',
};
const decode = (text: string) =>
  text
    .replace(/&(lt|gt|amp|quot|apos|nbsp|#39|#x27|#34);/g, (_, name: string) => named[name] ?? '')
    .replaceAll('\u00a0', ' ');
const encodeText = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** An editor may have put formatting or entities inside the braces: the Liquid its writer meant. */
const meant = (token: string) => decode(token.replace(/<\/?[a-z][^>]*>/gi, ''));

/** The same source with the Liquid as Liquid reads it, for parsing; the HTML around it stays as it is. */
export function decodeLiquid(html: string): string {
  return html.replace(liquidToken, meant);
}

const length = /^-?\d{1,4}(?:\.\d{1,3})?(?:px|em|rem|%|pt)?$/;
const lengths =
  /^-?\d{1,4}(?:\.\d{1,3})?(?:px|em|rem|%|pt)?(?:\s+-?\d{1,4}(?:\.\d{1,3})?(?:px|em|rem|%|pt)?){0,3}$|^(?:0\s+)?auto$/;
const colour = /^(?:#[0-9a-f]{3,8}|[a-z]{3,30}|rgba?\([\d\s.,%/]{3,40}\))$/i;
const border = /^[\w#\s.%(),-]{1,60}$/;

/** Elements in elements; what lies deeper loses its tags and keeps its text. */
const nestingLimit = 100;

/** What a letter may carry: what mail programs show, and nothing that acts. */
const options: sanitizeHtml.IOptions = {
  allowedTags:
    'a abbr b blockquote br caption center code col colgroup div em figcaption figure h1 h2 h3 h4 h5 h6 hr i img li mark ol p pre s small span strike strong sub sup table tbody td tfoot th thead tr u ul'.split(
      ' ',
    ),
  allowedAttributes: {
    '*': ['style', 'align', 'dir', 'lang', 'title'],
    a: ['href', 'name'],
    img: ['src', 'alt', 'width', 'height', 'border'],
    table: ['width', 'border', 'cellpadding', 'cellspacing', 'bgcolor', 'role'],
    td: ['width', 'height', 'colspan', 'rowspan', 'valign', 'bgcolor'],
    th: ['width', 'height', 'colspan', 'rowspan', 'valign', 'bgcolor', 'scope'],
    tr: ['valign', 'bgcolor'],
    col: ['width', 'span'],
    ol: ['start', 'type'],
  },
  allowedSchemes: ['http', 'https', 'mailto'],
  allowedSchemesByTag: { img: ['http', 'https'] },
  allowedSchemesAppliedToAttributes: ['href', 'src'],
  allowProtocolRelative: false,
  // Tables in tables make some dozens. Whatever reads a letter goes down into it step by step, and thousands are more than a stack has.
  nestingLimit,
  allowedStyles: {
    '*': {
      color: [colour],
      'background-color': [colour],
      'text-align': [/^(?:left|right|center|justify|start|end)$/],
      'text-decoration': [/^(?:none|underline|line-through)$/],
      'font-size': [length],
      'font-weight': [/^(?:normal|bold|[1-9]00)$/],
      'font-style': [/^(?:normal|italic)$/],
      'font-family': [/^[\w\s,'"-]{1,200}$/],
      'line-height': [length, /^normal$/],
      'letter-spacing': [length],
      'vertical-align': [/^(?:top|middle|bottom|baseline)$/],
      'border-collapse': [/^(?:collapse|separate)$/],
      display: [/^(?:block|inline|inline-block|table|table-cell)$/],
      width: [length, /^auto$/],
      'max-width': [length],
      height: [length, /^auto$/],
      'border-radius': [lengths],
      'list-style-type': [/^[a-z-]{3,30}$/],
      ...Object.fromEntries(
        ['', '-top', '-right', '-bottom', '-left'].flatMap((side) => [
          [`margin${side}`, [lengths]],
          [`padding${side}`, [lengths]],
          [`border${side}`, [border]],
        ]),
      ),
    },
  },
  transformTags: {
    // A variable may fill an address in, but never decide what kind of address it is.
    '*': (tagName, attribs) => ({
      tagName,
      attribs: Object.fromEntries(
        Object.entries(attribs).filter(
          ([name, value]) =>
            (name !== 'href' && name !== 'src') ||
            !value.includes('\ue000') ||
            addressOfKnownKind.test(value),
        ),
      ),
    }),
  },
};
const addressOfKnownKind = /^\s*(?:https?:\/\/[^\ue000]|mailto:|\ue000\d+\ue001\s*$)/i;

/**
 * A body as it is kept: only what a letter may carry. Liquid inside text and attributes comes through as its writer meant it.
 * Sanitising twice changes nothing.
 */
export function sanitizeBody(html: string): string {
  const tokens: string[] = [];
  const marked = html
    .replace(/[\ue000\ue001]|\p{Cs}/gu, '')
    .replaceAll('\0', '')
    .replace(liquidToken, (token) => mark(tokens.push(meant(token)) - 1));
  const clean = sanitizeHtml(marked, options);
  const restore = (inAttribute: boolean) => (_: string, index: string) => {
    const token = tokens[Number(index)] ?? '';
    if (!inAttribute) return encodeText(token);
    // Single quotes mean the same to Liquid and keep the attribute readable.
    return encodeText(token.includes("'") ? token : token.replaceAll('"', "'")).replaceAll('"', '&quot;');
  };
  return clean
    .split(/(<[^>]*>)/)
    .map((part, index) => part.replace(marks, restore(index % 2 === 1)))
    .join('');
}
