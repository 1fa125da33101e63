import { describe, expect, test } from 'vitest';
import { sanitizeArticle } from '@/lib/posts/sanitize';
import { postChangeSchema, postPublishSchema, postSchema } from '@/lib/posts/schema';
import { firstFree, isSlug, isSlugOfTitle, slugOfTitle, toSlug } from '@/lib/posts/slug';

describe('the address of an article', () => {
  test('is made of its title, in Latin letters also from Russian', () => {
    expect(slugOfTitle('Как собрать базу подписчиков и не испортить её')).toBe(
      'kak-sobrat-bazu-podpischikov-i-ne-isportit-eyo',
    );
    expect(slugOfTitle('Щука, ёж & Äpfel: 10% off!')).toBe('schuka-yozh-and-aepfel-10-off');
    expect(slugOfTitle('iPhone for letters')).toBe('iphone-for-letters');
  });

  test('is never empty, whatever the title is written in', () => {
    expect(slugOfTitle('')).toBe('untitled');
    expect(slugOfTitle('漢字')).toBe('untitled');
  });

  test('is cut between words, at 80 letters', () => {
    const slug = slugOfTitle('one two three four five six seven eight nine ten '.repeat(4));
    expect(slug.length).toBeLessThanOrEqual(80);
    expect(slug).toMatch(/^one-two-.*-(one|two|three|four|five|six|seven|eight|nine|ten)$/);
    expect(toSlug('a'.repeat(300))).toBe('a'.repeat(80));
  });

  test('gets the first number that is free, and never the place of a page of the blog', () => {
    expect(firstFree('news', new Set())).toBe('news');
    expect(firstFree('news', new Set(['news', 'news-2', 'news-4']))).toBe('news-3');
    expect(firstFree('page', new Set())).toBe('page-2');
  });

  test('with a number behind it is still that of its title; another word is not', () => {
    expect(isSlugOfTitle('news', 'News')).toBe(true);
    expect(isSlugOfTitle('news-12', 'News')).toBe(true);
    expect(isSlugOfTitle('news-today', 'News')).toBe(false);
    expect(isSlugOfTitle('old-news', 'News')).toBe(false);
  });
});

describe('what is kept of an article’s HTML', () => {
  test('is what gives text a shape', () => {
    const html =
      '<h2>A</h2><h3>B</h3><h4>C</h4><p>a <strong>b</strong> <em>i</em> <a href="https://example.org/">l</a><br />x</p>' +
      '<ul><li>1</li></ul><ol start="3"><li>3</li></ol><blockquote><p>q</p></blockquote>' +
      '<pre><code class="language-ts">1 &lt; 2</code></pre><hr />' +
      '<figure><img src="https://example.org/a.png" alt="A cat" width="10" height="20" /><figcaption>Cat</figcaption></figure>' +
      '<table><tbody><tr><th scope="row">h</th><td colspan="2">d</td></tr></tbody></table>';
    expect(sanitizeArticle(html)).toBe(html);
  });

  test('has nothing that acts, loads or paints', () => {
    const dirty = [
      '<script>alert(1)</script>',
      '<style>p{color:red}</style>',
      '<p onclick="alert(1)" style="color:red" class="x" id="y">text</p>',
      '<a href="javascript:alert(1)">a</a>',
      '<a href=" java\tscript:alert(1)">b</a>',
      '<a href="//evil.example/x">c</a>',
      '<img src="x" onerror="alert(1)">',
      '<img src="data:image/svg+xml,%3Csvg onload=alert(1)%3E" alt="d">',
      '<iframe src="https://evil.example"></iframe>',
      '<svg onload="alert(1)"><circle/></svg>',
      '<math><mtext><img src=x onerror=alert(1)></mtext></math>',
      '<form action="https://evil.example"><input name="a"><button>go</button></form>',
      '<object data="x.swf"></object><embed src="x.swf">',
      '<noscript><p title="</noscript><img src=x onerror=alert(1)>"></noscript>',
    ].join('');
    const clean = sanitizeArticle(dirty);
    expect(clean).not.toMatch(
      /script|style|onclick|onerror|onload|class=|id=|evil|data:|iframe|svg|math|form|input|object|embed/i,
    );
    expect(clean).toContain('<p>text</p>');
  });

  test('has one first heading less: that is the title’s', () => {
    expect(sanitizeArticle('<h1>A</h1><h6>B</h6><b>c</b><i>d</i><del>e</del>')).toBe(
      '<h2>A</h2><h4>B</h4><strong>c</strong><em>d</em><s>e</s>',
    );
  });

  test('is at most a hundred elements deep, with every word still there', () => {
    const deep = sanitizeArticle(`${'<blockquote>'.repeat(15_000)}words${'</blockquote>'.repeat(15_000)}`);
    const depth = deep.match(/<blockquote>/g)?.length ?? 0;
    expect(depth).toBeGreaterThan(90);
    expect(depth).toBeLessThanOrEqual(100);
    expect(deep).toContain('words');
    expect(sanitizeArticle(deep)).toBe(deep);
  });

  test('does not change when it is cleaned again', () => {
    for (const html of [
      '<p>a & b < c</p>',
      '<div><p>x</div>',
      '<a href="/blog">x</a>',
      '<p>&nbsp;</p>',
      'x\0y',
    ]) {
      const once = sanitizeArticle(html);
      expect(sanitizeArticle(once)).toBe(once);
    }
  });
});

describe('what a form may send of an article', () => {
  const codeOf = (input: object) => {
    const parsed = postSchema.safeParse({ title: 'T', body: '<p>x</p>', ...input });
    return parsed.success ? null : parsed.error.issues[0]?.message;
  };

  test('is bounded: 200 letters of title, 300 of summary, 200 kB of body', () => {
    expect(codeOf({ title: 'x'.repeat(200), summary: 'y'.repeat(300) })).toBeNull();
    expect(codeOf({ title: 'x'.repeat(201) })).toBe('too_long');
    expect(codeOf({ summary: 'x'.repeat(301) })).toBe('too_long');
    expect(codeOf({ body: 'x'.repeat(204_800) })).toBeNull();
    expect(codeOf({ body: 'ж'.repeat(102_401) })).toBe('body_too_large');
    expect(codeOf({ title: 'a\nb' })).toBe('one_line');
  });

  test('may be empty while it is a draft', () => {
    expect(codeOf({ title: '', body: '', slug: '', summary: '' })).toBeNull();
  });

  test('has no picture from elsewhere than the web', () => {
    expect(codeOf({ imageUrl: 'https://example.org/a.png' })).toBeNull();
    expect(codeOf({ imageUrl: '/api/uploads/a.png' })).toBeNull();
    expect(codeOf({ imageUrl: '' })).toBeNull();
    for (const imageUrl of [
      'javascript:alert(1)',
      'data:image/png;base64,AA',
      '//evil.example/a.png',
      'a.png',
    ])
      expect(codeOf({ imageUrl }), imageUrl).toBe('invalid_value');
  });

  test('names the article and the version that its writer began with', () => {
    const base = { title: '', body: '' };
    expect(postChangeSchema.safeParse({ ...base, id: '5', version: '2' }).success).toBe(true);
    for (const wrong of [
      { id: '0', version: '1' },
      { id: 'x', version: '1' },
      { id: '1' },
      { id: '1', version: '0' },
    ])
      expect(postChangeSchema.safeParse({ ...base, ...wrong }).success).toBe(false);
  });

  test('a date is asked for only when it is to be published at one', () => {
    const base = { id: '5', version: '2' };
    expect(postPublishSchema.safeParse({ ...base, when: 'now' }).success).toBe(true);
    expect(postPublishSchema.safeParse({ ...base, when: 'at', at: '2030-01-01T10:00' }).success).toBe(true);
    expect(postPublishSchema.safeParse({ ...base, when: 'at' }).error?.issues[0]).toMatchObject({
      path: ['at'],
      message: 'required',
    });
  });
});

test('what can be no address of an article is known without asking the database', () => {
  for (const slug of ['a', 'first-steps', '2026', 'x'.repeat(120)]) expect(isSlug(slug), slug).toBe(true);
  for (const slug of ['', '\0', 'a\0', 'a b', '-a', 'a--b', 'A', 'ы', 'a/b', '..', 'a\n', 'x'.repeat(121)])
    expect(isSlug(slug), JSON.stringify(slug)).toBe(false);
});
