import sanitizeHtml from 'sanitize-html';

/** What an article may carry: what gives text a shape, and nothing that acts or that paints. */
const options: sanitizeHtml.IOptions = {
  allowedTags:
    'p h2 h3 h4 ul ol li blockquote pre code figure figcaption hr br strong em u s sub sup a img table thead tbody tr th td'.split(
      ' ',
    ),
  allowedAttributes: {
    a: ['href'],
    img: ['src', 'alt', 'width', 'height'],
    ol: ['start'],
    td: ['colspan', 'rowspan'],
    th: ['colspan', 'rowspan', 'scope'],
  },
  allowedClasses: { code: ['language-*'] },
  allowedSchemes: ['http', 'https', 'mailto'],
  allowedSchemesByTag: { img: ['http', 'https'] },
  allowedSchemesAppliedToAttributes: ['href', 'src'],
  allowProtocolRelative: false,
  // What lies deeper loses its tags and keeps its text: browsers and the editor go down step by step, and a stack has an end.
  nestingLimit: 100,
  // With what stands in them: none of it was meant to be read.
  nonTextTags: ['script', 'style', 'textarea', 'option', 'noscript', 'title', 'template', 'iframe', 'object'],
  transformTags: {
    // The title of the page is its only first heading.
    h1: 'h2',
    h5: 'h4',
    h6: 'h4',
    b: 'strong',
    i: 'em',
    del: 's',
    strike: 's',
  },
  // A picture that could be found nowhere, or only by accident.
  exclusiveFilter: ({ tag, attribs }) =>
    tag === 'img' && !/^(https?:\/\/|\/(?![/\\]))/i.test(attribs.src ?? ''),
};

/** The body of an article as it is kept. Sanitising twice changes nothing. */
export function sanitizeArticle(html: string): string {
  return sanitizeHtml(html.replaceAll('\0', '').replace(/\p{Cs}/gu, ''), options).trim();
}

/** The body of an article with whole addresses, for those who read it elsewhere. `base` is where it stands. */
export function standAloneArticle(html: string, base: string): string {
  const whole = (name: string) => (tagName: string, attribs: sanitizeHtml.Attributes) => {
    const address = attribs[name];
    const isKnown = address !== undefined && URL.canParse(address, base);
    return { tagName, attribs: isKnown ? { ...attribs, [name]: new URL(address, base).href } : attribs };
  };
  return sanitizeHtml(sanitizeArticle(html), {
    ...options,
    transformTags: { a: whole('href'), img: whole('src') },
  });
}
