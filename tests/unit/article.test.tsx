import { NextIntlClientProvider } from 'next-intl';
import { renderToStaticMarkup } from 'react-dom/server';
import { expect, test } from 'vitest';
import { Article } from '@/components/posts/article';
import { catalogues } from '@/lib/i18n/catalogues';

const show = (html: string) =>
  renderToStaticMarkup(
    <NextIntlClientProvider locale="en" timeZone="UTC" messages={{ blog: catalogues.en.blog }}>
      <Article html={html} lang="en" />
    </NextIntlClientProvider>,
  );

test('an article keeps headings, lists, links and pictures', () => {
  const html =
    '<h2>Title</h2><ul><li>one</li></ul><p><a href="/blog">ours</a></p><p><img src="https://a.example/b.png" alt="b"></p>';
  const shown = show(html);
  expect(shown).toContain('<h2>Title</h2><ul><li>one</li></ul>');
  expect(shown).toContain('<a href="/blog">ours</a>');
  expect(shown).toContain('alt="b"');
});

test('markup that could run something is never shown, even when it was saved', () => {
  const shown = show(
    '<script>alert(1)</script><p onclick="x()" style="position:fixed">text</p><iframe src="https://a.example"></iframe>' +
      '<a href="javascript:alert(1)">link</a><a href="//evil.example">other</a><img src="data:text/html,x" onerror="y()">',
  );
  expect(shown).not.toMatch(/script|onclick|onerror|style|iframe|javascript|evil|data:/);
  expect(shown).toContain('<p>text</p>');
});

test('a picture of ours takes its room before it comes, in the width that is shown, and only when it is nearly in sight', () => {
  const name = `/api/uploads/${'a'.repeat(32)}`;
  const shown = show(`<p><img src="${name}-1200x800.webp" alt="b"></p>`);
  expect(shown).toContain('width="1200" height="800"');
  expect(shown).toContain(`${name}-480.webp 480w, ${name}-960.webp 960w, ${name}-1200x800.webp 1200w`);
  expect(shown).toContain('loading="lazy"');
  expect(show('<img src="https://a.example/b.png" width="40" height="30">')).toContain(
    'width="40" height="30"',
  );
});

test('what a browser would put right is right already, so that nothing is drawn twice', () => {
  const shown = show(
    '<table>\n<tr> <th scope="col" colspan="2">Head</th></tr>\n</table><p>before<ul>\n<li>in</li>\n</ul></p>' +
      '<p><a href="/a">out <a href="/b">in</a></a></p><ol start="3"><li>three</li></ol>',
  );
  expect(shown).toContain('<table><tbody><tr><th colSpan="2" scope="col">Head</th></tr></tbody></table>');
  expect(shown).toContain('<ul><li>in</li></ul>');
  expect(shown).not.toMatch(/<p>[^/]*<ul>|<a [^>]*>[^<]*<a /);
  expect(shown).toContain('<ol start="3">');
});

test('code and tables, which may be wider than the page, can be come to by keyboard and have a name', () => {
  const shown = show('<pre><code>x</code></pre><table><tbody><tr><td>y</td></tr></tbody></table>');
  expect(shown).toContain('<pre role="group" aria-label="Code" tabindex="0">');
  expect(shown).toContain('<div class="article-table" role="group" aria-label="Table" tabindex="0">');
});
