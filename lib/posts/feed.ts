import { appUrl, env } from '@/lib/env';
import { addressOf, feedPath } from './addresses';
import type { FeedPost } from './queries';
import { standAloneArticle } from './sanitize';

/** Text as XML takes it; what XML 1.0 has no place for is left out. */
function xml(text: string): string {
  return text
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

/**
 * Articles as an Atom feed (RFC 4287), the newest first. An entry keeps its id, made of the article's number, when the address, the
 * date or the text changes. Each leads to the interface in its own language. The feed is as old as what changed in it last.
 */
export function atomFeed(
  posts: FeedPost[],
  { title, subtitle }: { title: string; subtitle: string },
): string {
  const { host } = new URL(appUrl());
  const idOf = (thing: string) => `tag:${host},2026:${thing}`;
  const entries = posts.map((post) => {
    const address = addressOf(`/blog/${post.slug}`, post.language);
    const cover = post.imageUrl ? `<p><img src="${xml(post.imageUrl)}" alt="${xml(post.coverAlt)}"></p>` : '';
    return `  <entry xml:lang="${post.language}">
    <id>${xml(idOf(`post/${post.id}`))}</id>
    <title>${xml(post.title)}</title>
    <link rel="alternate" type="text/html" hreflang="${post.language}" href="${xml(address)}"/>
    <published>${post.publishedAt}</published>
    <updated>${post.updatedAt}</updated>
    <author><name>${xml(post.author ?? 'Mailroom')}</name></author>
${post.summary ? `    <summary>${xml(post.summary)}</summary>\n` : ''}    <content type="html">${xml(standAloneArticle(`${cover}${post.body}`, address))}</content>
  </entry>
`;
  });
  const updated = new Date(Math.max(0, ...posts.map((post) => Date.parse(post.updatedAt)))).toISOString();
  return `<?xml version="1.0" encoding="utf-8"?>
<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="${env().DEFAULT_LOCALE}">
  <id>${xml(idOf('blog'))}</id>
  <title>${xml(title)}</title>
  <subtitle>${xml(subtitle)}</subtitle>
  <link rel="self" type="application/atom+xml" href="${xml(`${appUrl()}${feedPath}`)}"/>
  <link rel="alternate" type="text/html" href="${xml(addressOf('/blog'))}"/>
  <updated>${updated}</updated>
  <author><name>Mailroom</name></author>
${entries.join('')}</feed>
`;
}
