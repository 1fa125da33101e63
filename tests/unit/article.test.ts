import { renderToStaticMarkup } from 'react-dom/server';
import { expect, test } from 'vitest';
import { Article } from '@/components/posts/article';

const show = (html: string) => renderToStaticMarkup(Article({ html }));

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
